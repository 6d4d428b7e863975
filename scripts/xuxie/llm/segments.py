"""The files of a journal: JSON Lines, each line with a checksum of itself, each file written by one process.

A line starts with what an index needs, at fixed places, so that a start parses no JSON.
"""

import errno
import fcntl
import json
import os
import re
import secrets
import socket
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from xuxie.llm.usage import Usage

IMPORTED = "imported-"  # segments whose entries were paid for by somebody else

_HEAD = re.compile(rb'\{"key":"([0-9a-f]{32})","usage":\[(\d+),(\d+),(\d+)\],"cost":([-+.0-9e]+),')
_CHECK = re.compile(rb',"check":"([0-9a-f]{8})"\}\n\Z')
_HOST = re.sub(r"[^0-9A-Za-z]+", "-", socket.gethostname())[:40]
FULL = (errno.ENOSPC, errno.EDQUOT)
_SURELY_LEFT = 3600.0  # seconds without a write until another node's segment counts as finished
_LEAVES = (
    _SURELY_LEFT / 2
)  # seconds without a write until a process leaves its own: long before others may take it


def segments(folder: Path) -> list[Path]:
    """The segments of a journal, own ones first, the oldest first."""
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def encode(entry: dict) -> bytes:
    """The line of an entry that begins with `key`, `usage` and `cost`."""
    body = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))[:-1].encode(
        "utf-8", "surrogatepass"
    )
    return body + b',"check":"%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> dict:
    """The entry of a whole line.

    Raises:
        ValueError: the line is not as it was written.
    """
    check = _checked(line)
    if check is None:
        raise ValueError("a damaged line")
    return json.loads(line[: check.start()].decode("utf-8", "surrogatepass") + "}")


def head(line: bytes) -> tuple[bytes, Usage] | None:
    """Key (16 bytes) and usage of a line; None if the line is not as it was written."""
    if _checked(line) is None:
        return None
    found = _HEAD.match(line)
    if found is None:
        return _unusual_head(line)
    key, input, cached, output, cost = found.groups()
    return bytes.fromhex(key.decode()), Usage(
        int(input), int(cached), int(output), float(cost), int(int(input) + int(output) > 0)
    )


def _checked(line: bytes) -> re.Match | None:
    """Where the checksum stands in a line that is as it was written."""
    check = _CHECK.search(line)
    if check is None or zlib.crc32(line[: check.start()]) != int(check[1], 16):
        return None
    return check


def _unusual_head(line: bytes) -> tuple[bytes, Usage] | None:
    """The head of a sound line whose numbers are not written as `encode`'s callers write them now."""
    try:
        entry = decode(line)
        key = bytes.fromhex(entry["key"])
        return (key, Usage.of_entry(entry)) if len(key) == 16 else None
    except (ValueError, KeyError, TypeError):
        return None


def lines(path: Path, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of a segment's finished lines, from an offset on. A last line without its end is not there yet, or never will be."""
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield start, line
            start += len(line)


def try_writing(folder: Path) -> None:
    """See whether a segment could be written to a folder; raises OSError if not."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:  # has no name, or loses it at once
        file.write(b"\n")
        file.flush()
        os.fsync(file.fileno())


class NoRoom(OSError):
    """The disk is full, or the quota used up, and the segment is as it was."""


class Segment:
    """A new segment, for this process to append to.

    It is locked before anybody can see its name and for as long as it is open, so that `compact` leaves it alone.
    """

    def __init__(self, folder: Path, prefix: str = ""):
        folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        self.path = folder / f"{prefix}{stamp}-{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        unseen = self.path.with_suffix(".opening")
        self._file = os.open(
            unseen, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        in_use(self._file)
        os.rename(unseen, self.path)
        sync_folder(folder)
        self._size, self._written_at = 0, time.monotonic()

    @property
    def is_to_be_left(self) -> bool:
        """Whether so long ago was written to it that others may soon take it for finished: then a new one is begun."""
        return time.monotonic() - self._written_at > _LEAVES

    def append(self, written: list[bytes]) -> list[int]:
        """Write lines and return when they are on the disk: their offsets.

        Raises:
            NoRoom: the disk is full; nothing of it is in the segment.
            OSError: not all of it could be written. Do not append again: a torn line would be in the middle then.
        """
        rest = memoryview(b"".join(written))
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fsync(self._file)
        except OSError as error:
            if error.errno not in FULL:
                raise
            os.ftruncate(self._file, self._size)
            raise NoRoom(error.errno, error.strerror) from error
        self._written_at = time.monotonic()
        offsets = []
        for line in written:
            offsets.append(self._size)
            self._size += len(line)
        return offsets

    def close(self) -> None:
        """Let it go."""
        os.close(self._file)


def in_use(file: int) -> bool:
    """Whether somebody else has an open segment; if not, it is taken (until `file` is closed)."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def is_finished(path: Path) -> bool:
    """Whether nobody will append to a segment any more."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return is_left(path, file.fileno())


def is_left(path: Path, file: int) -> bool:
    """Whether an open segment that seems to have no lock has none.

    A lock that another node holds is not seen on every network file system: its segments are left out only when they
    have been silent for an hour, which no process lets its own be.
    """
    age = time.time() - os.fstat(file).st_mtime
    return _is_of_this_node(path.name) or age > _SURELY_LEFT


def _is_of_this_node(name: str) -> bool:
    """Whether a segment was begun here; "gpu" is not where "gpu-2" is."""
    pattern = rf"({IMPORTED})?\d+T\d+-{_HOST}-\d+-[0-9a-f]{{8}}(-compacted-[0-9a-f]{{8}})?\.jsonl"
    return re.fullmatch(pattern, name) is not None


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse; they do it by themselves
    finally:
        os.close(handle)
