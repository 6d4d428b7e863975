"""Where the answers of finished segments stand: sorted files beside them, so that a job needn't read what others have read.

An index file covers some finished segments, and no two that are used cover the same one. It is made from the segments alone,
never changed, and may be deleted at any moment: then the segments are read. It holds for segments that are as long as they were
when it was made; `upkeep.join` may put a longer one in a segment's place. A file is a line of JSON, its head, and after it
records of equal size, sorted by key, which are looked up where they lie.
"""

import contextlib
import heapq
import json
import mmap
import os
import secrets
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from xuxie.llm.usage import Usage

SUFFIX = ".index"
_RECORD = struct.Struct(">16sIQ")  # key, number of the segment in the head, offset in it
_KEY = 16
_VERSION = 2


class Record(NamedTuple):
    """Where the answer under a key begins."""

    key: bytes
    segment: int
    offset: int


class IndexFile:
    """One index file, open.

    Attributes:
        sizes: of the segments that it covers, by name, in bytes.
        spent: what their calls took, but for those of imported segments.
        damaged: how many of their lines are not as they were written.

    Raises:
        ValueError: it is not as it was written.
    """

    def __init__(self, path: Path):
        self.path = path
        with path.open("rb") as file:
            head = file.readline()
            try:
                said = json.loads(head)
                self.sizes: dict[str, int] = said["segments"]
                self.spent = Usage(**said["spent"])
                self.damaged: int = said["damaged"]
                self._count: int = said["entries"]
                known = said["version"] == _VERSION
            except (ValueError, KeyError, TypeError):
                known = False
            self._begin = len(head)
            size = os.fstat(file.fileno()).st_size
            if not known or size != self._begin + self._count * _RECORD.size:
                raise ValueError(f"{path} is no index")
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return self._count

    def find(self, key: bytes) -> Record | None:
        """The record of a key."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            at = self._begin + middle * _RECORD.size
            if self._bytes[at : at + _KEY] < key:
                low = middle + 1
            else:
                high = middle
        found = self._record(low) if low < self._count else None
        return found if found and found.key == key else None

    def __iter__(self) -> Iterator[Record]:
        return map(self._record, range(self._count))

    def _record(self, number: int) -> Record:
        return Record(*_RECORD.unpack_from(self._bytes, self._begin + number * _RECORD.size))

    def close(self) -> None:
        """Let it go."""
        self._bytes.close()


def open_all(folder: Path, there: dict[str, int]) -> list[IndexFile]:
    """The index files of a folder that cover segments which are there, and each only once; others are deleted.

    Args:
        there: the segments, with their sizes.
    """
    found, opened, covered = [], [], set[str]()
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            found.append(IndexFile(path))
        except FileNotFoundError:  # merged by somebody else
            pass
        except (ValueError, OSError):
            _delete(path)
    # The widest first: beside a merged one lie those that it was made of, if somebody was killed in between.
    for index in sorted(found, key=lambda index: (-len(index.sizes), index.path.name)):
        if index.sizes.items() <= there.items() and covered.isdisjoint(index.sizes):
            opened.append(index)
            covered.update(index.sizes)
        else:
            index.close()
            _delete(index.path)
    return opened


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def write(
    folder: Path,
    sizes: dict[str, int],
    records: Iterable[Record],
    count: int,
    spent: Usage,
    damaged: int,
) -> Path:
    """Write an index file; its name appears when it is whole.

    Args:
        folder: the journal's.
        sizes: of the segments that it covers, by name, in the order of the records' numbers.
        records: sorted by key.
        count: how many they are.
        spent, damaged: see `IndexFile`.
    """
    path = folder / f"{min(sizes).removesuffix('.jsonl')}-{secrets.token_hex(4)}{SUFFIX}"
    partial = path.with_suffix(".indexing")
    head = {
        "version": _VERSION,
        "entries": count,
        "spent": asdict(spent),
        "damaged": damaged,
        "segments": sizes,
    }
    try:
        with partial.open("wb") as file:
            file.write(json.dumps(head).encode() + b"\n")
            for record in records:
                file.write(_RECORD.pack(*record))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return path


def _renumbered(index: IndexFile, first: int) -> Iterator[Record]:
    """Its records, whose segments are the ones from a number on."""
    return (Record(key, first + segment, offset) for key, segment, offset in index)


def merge(folder: Path, parts: list[IndexFile]) -> None:
    """Put one index file in the place of several."""
    sizes = {name: size for part in parts for name, size in part.sizes.items()}
    first = [sum(len(part.sizes) for part in parts[:number]) for number in range(len(parts))]
    moved = map(_renumbered, parts, first)
    spent = sum((part.spent for part in parts), Usage())
    write(
        folder,
        sizes,
        heapq.merge(*moved),
        sum(map(len, parts)),
        spent,
        sum(part.damaged for part in parts),
    )
    for part in parts:
        _delete(part.path)
