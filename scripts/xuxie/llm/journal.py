"""The journal: every answer that was paid for, kept under what shaped it.

A journal is a folder of segments. A process appends to one segment of its own and to no other, so
that writers never meet, on a network file system either. A segment is JSON Lines; each line ends in
a checksum of itself, and is on the disk (fsync) before anybody uses the answer. What a killed
process leaves is at worst a last line without its end: readers pass over it.

A line starts with what an index needs, at fixed places, so that a start reads no JSON.
"""

import json
import logging
import os
import re
import secrets
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from xuxie.errors import UserError
from xuxie.llm.usage import Usage

log = logging.getLogger(__name__)

_HEAD = re.compile(rb'\{"key":"([0-9a-f]{32})","usage":\[(\d+),(\d+),(\d+)\],"cost":([-+.0-9e]+),')
_CHECK = re.compile(rb',"check":"([0-9a-f]{8})"\}\n\Z')
_IMPORTED = "imported-"
_OFFSET_BITS = 44  # an index entry is one integer: number of the segment, offset in it


class Journal:
    """Answers by key, from all segments of a folder.

    Args:
        folder: made when the first answer is written.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.spent = Usage()
        self.damaged = 0
        self._index: dict[bytes, int] = {}
        self._names: list[str] = []
        self._read: dict[str, int] = {}  # up to where each segment was indexed
        self._readers: dict[int, int] = {}  # open files by number of the segment
        self._writer: int | None = None
        self._own = ""
        self._looked_at = 0.0
        self._lock = threading.Lock()  # one thread may append while another one reads
        self.refresh()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        for file in [*self._readers.values(), *([self._writer] if self._writer is not None else [])]:
            os.close(file)
        self._readers.clear()
        self._writer = None

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._index

    def refresh(self, at_most_every: float = 0.0) -> None:
        """Take in what other processes have written since the last look (not older than `at_most_every` seconds)."""
        if time.monotonic() - self._looked_at < at_most_every:
            return
        with self._lock:
            for path in _segments(self.folder):
                if path.name != self._own and path.stat().st_size > self._read.get(path.name, 0):
                    self._take_in(path)
        self._looked_at = time.monotonic()

    def get(self, key: str) -> dict | None:
        """The entry under a key, or None. A damaged entry counts as absent, and is reported."""
        place = self._index.get(bytes.fromhex(key))
        if place is None:
            return None
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        entry = _decode(self._line(number, offset))
        if entry is None or entry["key"] != key:
            log.warning("%s holds a damaged entry at byte %d: it will be asked again", self.folder / self._names[number], offset)
            self._forget(key)
            return None
        return entry

    def append(self, entries: list[dict]) -> None:
        """Write entries (each with `key`, `usage`, `cost`, and whatever else) and return when they are on the disk.

        Raises:
            UserError: the disk is full or not writable. Nothing of these entries is left in the segment then.
        """
        lines = [_encode(entry) for entry in entries]
        try:
            if self._writer is None:
                self._open_segment()
            start = os.fstat(self._writer).st_size
            try:
                _write_fully(self._writer, b"".join(lines))
                os.fsync(self._writer)
            except OSError:
                os.ftruncate(self._writer, start)
                raise
        except OSError as error:
            raise UserError(
                f"the journal cannot be written: {error.strerror}",
                where=str(self.folder),
                remedy="make room, or point llm.journal to another folder; what was written before is safe",
            ) from error
        with self._lock:
            number = self._number(self._own)
            for line in lines:
                self._note(line, number, start)
                start += len(line)

    def entries(self) -> Iterator[dict]:
        """All entries that can be read, the newest under each key only."""
        for key in list(self._index):
            entry = self.get(key.hex())
            if entry is not None:
                yield entry

    def imported(self, key: str) -> bool:
        """Whether the entry came from somebody else's journal (and was not paid for here)."""
        return self._names[self._index[bytes.fromhex(key)] >> _OFFSET_BITS].startswith(_IMPORTED)

    def _open_segment(self, prefix: str = "") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        host = re.sub(r"[^0-9A-Za-z]+", "-", socket.gethostname())[:40]
        self._own = f"{prefix}{stamp}-{host}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._writer = os.open(self.folder / self._own, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        _sync_folder(self.folder)

    def _take_in(self, path: Path) -> None:
        """Index the whole lines that a segment has gained."""
        number, offset = self._number(path.name), self._read.get(path.name, 0)
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # still being written, or torn for good
                self._note(line, number, offset)
                offset += len(line)
        self._read[path.name] = offset

    def _note(self, line: bytes, number: int, offset: int) -> None:
        head = _HEAD.match(line)
        if head is None:
            self.damaged += 1
            log.warning("%s holds a damaged line at byte %d", self.folder / self._names[number], offset)
            return
        key, input, cached, output, cost = head.groups()
        self._index[bytes.fromhex(key.decode())] = number << _OFFSET_BITS | offset
        if not self._names[number].startswith(_IMPORTED):
            self.spent += Usage(int(input), int(cached), int(output), float(cost), int(input != b"0" or output != b"0"))

    def _number(self, name: str) -> int:
        if not self._names or self._names[-1] != name:
            if name in self._names:
                return self._names.index(name)
            self._names.append(name)
        return len(self._names) - 1

    def _line(self, number: int, offset: int) -> bytes:
        file = self._readers.get(number)
        if file is None:
            file = self._readers[number] = os.open(self.folder / self._names[number], os.O_RDONLY)
        line = b""
        while not line.endswith(b"\n"):
            piece = os.pread(file, 1 << 14, offset + len(line))
            if not piece:
                break
            line += piece.split(b"\n", 1)[0] + (b"\n" if b"\n" in piece else b"")
        return line

    def _forget(self, key: str) -> None:
        self.damaged += 1
        del self._index[bytes.fromhex(key)]


def entry_of(key: str, model: str, tokens: tuple[int, int, int] = (0, 0, 0), cost: float = 0.0, **rest) -> dict:
    """An entry: what the index reads first, then whose it is and when it was made, then the rest."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"key": key, "usage": list(tokens), "cost": cost, "at": at, "model": model, **rest}


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def _encode(entry: dict) -> bytes:
    body = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))[:-1].encode("utf-8", "surrogatepass")
    return body + b',"check":"%08x"}\n' % zlib.crc32(body)


def _decode(line: bytes) -> dict | None:
    """The entry of a line, or None if the line is not whole."""
    check = _CHECK.search(line)
    if check is None or zlib.crc32(line[: check.start()]) != int(check[1], 16):
        return None
    return json.loads(line[: check.start()].decode("utf-8", "surrogatepass") + "}")


def _write_fully(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(folder: Path) -> None:
    """Make a new segment's name survive a power cut, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse; they do it by themselves
    finally:
        os.close(handle)
