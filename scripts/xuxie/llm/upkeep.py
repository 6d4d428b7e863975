"""Looking after a journal: what it holds and cost, whether it is sound, fewer files, a copy for a colleague."""

import gzip
import hashlib
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.segments import IMPORTED, Segment, decode, head, in_use, lines, segments, sync_folder
from xuxie.llm.usage import Usage

_COMPACTED = re.compile(r"-compacted-[0-9a-f]{8}\Z")


@dataclass
class Stats:
    """What a journal holds.

    Attributes:
        segments: number of files.
        bytes: their size.
        spent: what the calls took, by model.
        imported: what imported calls took somebody else, by model.
        failures: entries that hold the endpoint's refusal to answer a question at all.
        first, last: when its oldest and its newest entry were made (UTC).
    """

    segments: int = 0
    bytes: int = 0
    spent: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    imported: dict[str, Usage] = field(default_factory=lambda: defaultdict(Usage))
    failures: int = 0
    first: str = ""
    last: str = ""


@dataclass
class Soundness:
    """Whether a journal is as it was written.

    Attributes:
        entries: lines that are.
        damaged: places of lines that are not, as "<file>, byte <offset>".
        torn: files whose last line never ended. No loss: no answer was used before its line was whole.
    """

    entries: int = 0
    damaged: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)


def stats(folder: Path) -> Stats:
    """Count what a journal holds, and what it cost."""
    result = Stats()
    for path in _existing(folder):
        result.segments += 1
        result.bytes += path.stat().st_size
        whose = result.imported if path.name.startswith(IMPORTED) else result.spent
        for line in _sound_lines(path):
            entry = decode(line)
            whose[entry["model"]] += Usage.of_entry(entry)
            result.failures += "error" in entry.get("reply", {})
            result.first = min(result.first or entry["at"], entry["at"])
            result.last = max(result.last, entry["at"])
    return result


def verify(folder: Path) -> Soundness:
    """Check every line of a journal against its checksum."""
    result = Soundness()
    for path in _existing(folder):
        end = 0
        for offset, line in lines(path):
            end = offset + len(line)
            if head(line) is None:
                result.damaged.append(f"{path}, byte {offset}")
            else:
                result.entries += 1
        if end < path.stat().st_size:
            result.torn.append(str(path))
    return result


def compact(folder: Path) -> tuple[int, int]:
    """Merge a journal's segments into one (two, if there are imported ones); return how many there were and are.

    Segments that a running job writes to are left alone. Every sound line stays, once; damaged and torn ones go. It may
    be killed at any moment: until the merged file is complete and on the disk, nothing is deleted.
    """
    before = _existing(folder)
    for prefix in ("", IMPORTED):
        opened = {
            path: os.open(path, os.O_RDWR)
            for path in before
            if path.name.startswith(IMPORTED) == bool(prefix)
        }
        try:
            idle = [path for path, file in opened.items() if not in_use(file)]
            if len(idle) > 1:
                _merge(
                    idle,
                    folder
                    / f"{_COMPACTED.sub('', idle[0].stem)}-compacted-{secrets.token_hex(4)}.jsonl",
                )
        finally:
            for file in opened.values():
                os.close(file)
    return len(before), len(segments(folder))


def export(folder: Path, target: Path) -> int:
    """Copy every sound entry into one file (compressed, if it is named `.gz`); return how many.

    Neither keys nor addresses are in it, nor the questions: only what was answered, under the questions' hashes.
    """
    partial = target.with_name(f"{target.name}.partial")
    count = 0
    with gzip.open(partial, "wb") if target.suffix == ".gz" else partial.open("wb") as file:
        for line in _distinct(_existing(folder)):
            file.write(line)
            count += 1
    os.replace(partial, target)
    return count


def import_(source: Path, folder: Path) -> int:
    """Take in the entries of an exported file that the journal does not hold; return how many.

    Raises:
        UserError: a line of the file is not as it was written. Nothing is taken in then.
    """
    known = {_mark(line) for path in segments(folder) for line in _sound_lines(path)}
    new = []
    with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
        for number, line in enumerate(file, 1):
            if head(line) is None:
                raise UserError(
                    "the exported journal is damaged",
                    where=f"{source}, line {number}",
                    remedy="have it exported and sent again",
                )
            if _mark(line) not in known:
                new.append(line)
    if new:
        segment = Segment(folder, IMPORTED)
        segment.append(new)
        segment.close()
    return len(new)


def _existing(folder: Path) -> list[Path]:
    found = segments(folder)
    if not found:
        raise UserError(
            "there is no journal",
            where=str(folder),
            remedy="name the folder that llm.journal names",
        )
    return found


def _sound_lines(path: Path) -> Iterator[bytes]:
    return (line for _, line in lines(path) if head(line) is not None)


def _distinct(paths: list[Path]) -> Iterator[bytes]:
    """Sound lines of segments, each once (a killed compaction leaves copies)."""
    seen = set()
    for path in paths:
        for line in _sound_lines(path):
            mark = _mark(line)
            if mark not in seen:
                seen.add(mark)
                yield line


def _mark(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def _merge(paths: list[Path], target: Path) -> None:
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        file.writelines(_distinct(paths))
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)
    sync_folder(target.parent)
    for path in paths:
        path.unlink()
