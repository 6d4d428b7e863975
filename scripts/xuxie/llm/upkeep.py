"""Looking after a journal: what it holds and cost, whether it is sound, fewer files, a copy for a colleague."""

import gzip
import hashlib
import os
import re
import secrets
import shutil
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.segments import (
    IMPORTED,
    Segment,
    decode,
    head,
    in_use,
    is_left,
    lines,
    segments,
    sync_folder,
)
from xuxie.llm.usage import Usage

_LINES_AT_ONCE = 1000  # of an import
_HELD_AT_ONCE = 128  # segments: a process may often have but 256 files open
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
    """Count what a journal holds, and what it cost: a line once, as segments that were compacted can be joined again."""
    result, seen = Stats(), set[bytes]()
    for path in _existing(folder):
        result.segments += 1
        result.bytes += path.stat().st_size
        whose = result.imported if path.name.startswith(IMPORTED) else result.spent
        for line in _sound_lines(path):
            if (mark := _mark(line)) in seen:
                continue
            seen.add(mark)
            entry = decode(line)
            at = str(entry.get("at", ""))
            whose[str(entry.get("model"))] += Usage.of_entry(entry)
            result.failures += _is_failure(entry)
            result.first = min(result.first or at, at)
            result.last = max(result.last, at)
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
        left = [path for path in before if path.name.startswith(IMPORTED) == bool(prefix)]
        while len(left) > 1:
            left = [merged for group in _groups(left) for merged in _merged(group)]
    return len(before), len(segments(folder))


def forget_failures(folder: Path) -> tuple[int, int]:
    """Take recorded failures out of a journal, so that their questions are asked again.

    Answers stay. It may be killed at any moment, as `compact` may.

    Returns:
        (failures that are forgotten, segments of running jobs, which were not looked into)
    """
    before = _existing(folder)
    forgotten = looked_into = 0
    for group in _groups(before):
        with _idle(group) as idle:
            looked_into += len(idle)
            for path in idle:
                failures = sum(_is_failure(decode(line)) for line in _sound_lines(path))
                if failures:
                    forgotten += failures
                    _merge([path], _distinct([path], lambda line: not _is_failure(decode(line))))
    return forgotten, len(before) - looked_into


def join(folder: Path, sources: Iterable[Path]) -> int:
    """Copy the segments of other journals into a journal; return how many were new to it.

    What they hold counts as it did, paid for by us or imported. Of a segment that both have, the longer one stays: a segment
    only grows. It may be killed and started again.

    Raises:
        UserError: a source is no journal.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = 0
    for path in (path for source in sources for path in _existing(source)):
        target = folder / path.name
        if target.exists() and target.stat().st_size >= path.stat().st_size:
            continue
        partial = target.with_suffix(".partial")
        shutil.copy2(path, partial)
        os.replace(partial, target)
        copied += 1
    sync_folder(folder)
    return copied


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
    for _ in _exported(source):
        pass  # the whole file is sound, or nothing is written
    known = {_mark(line) for path in segments(folder) for line in _sound_lines(path)}
    new = (line for line in _exported(source) if _mark(line) not in known)
    count, segment = 0, None
    try:
        while batch := list(islice(new, _LINES_AT_ONCE)):
            segment = segment or Segment(folder, IMPORTED)
            segment.append(batch)
            count += len(batch)
    finally:
        if segment is not None:
            segment.close()
    return count


def _exported(source: Path) -> Iterator[bytes]:
    """The lines of an exported file, each checked."""
    number = 0
    try:
        with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
            for number, line in enumerate(file, 1):
                if head(line) is None:
                    raise ValueError
                yield line
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error):
        raise UserError(
            "the exported journal is damaged",
            where=f"{source}, line {number}",
            remedy="have it exported and sent again",
        ) from None


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


def _is_failure(entry: dict) -> bool:
    """Whether an entry records that an endpoint does not answer a question, instead of an answer."""
    return "error" in (entry.get("reply") or {})


def _groups(paths: list[Path]) -> Iterator[list[Path]]:
    """Segments in their order, as many together as may be held open."""
    for start in range(0, len(paths), _HELD_AT_ONCE):
        yield paths[start : start + _HELD_AT_ONCE]


def _merged(group: list[Path]) -> list[Path]:
    """What a group's idle segments are merged into; none, if there are none."""
    with _idle(group) as idle:
        return [_merge(idle, _distinct(idle))] if len(idle) > 1 else idle


@contextmanager
def _idle(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Those of some segments that nobody writes to (see `is_left`) or merges; nobody can, meanwhile."""
    taken: dict[Path, int] = {}
    try:
        for path in paths:
            try:
                file = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue  # merged by somebody else
            taken[path] = file
            if in_use(file) or os.fstat(file).st_nlink == 0 or not is_left(path, file):
                os.close(taken.pop(path))
        yield list(taken)
    finally:
        for file in taken.values():
            os.close(file)


def _distinct(
    paths: list[Path], keeps: Callable[[bytes], bool] = lambda line: True
) -> Iterator[bytes]:
    """Sound lines of segments that are to be kept, each once (a killed compaction leaves copies)."""
    seen = set()
    for path in paths:
        for line in _sound_lines(path):
            mark = _mark(line)
            if mark not in seen and keeps(line):
                seen.add(mark)
                yield line


def _mark(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def _merge(paths: list[Path], kept: Iterator[bytes]) -> Path:
    """Put one segment with these lines in the place of some others; its path."""
    first = paths[0]
    name = f"{_COMPACTED.sub('', first.stem)}-compacted-{secrets.token_hex(4)}.jsonl"
    target = first.with_name(name)
    partial = target.with_suffix(".partial")
    with partial.open("wb") as file:
        file.writelines(kept)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)
    sync_folder(target.parent)
    for path in paths:
        path.unlink()
    return target
