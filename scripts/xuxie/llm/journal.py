"""The journal: every answer that was paid for, kept under what shaped it.

A journal is a folder of segments. A process appends to one segment of its own and to no other, so that writers never
meet, on a network file system either. An entry is on the disk (fsync) before anybody uses the answer. What a killed
process leaves is at worst a last line without its end, and readers pass over that.

Finished segments are covered by index files (see `index_files`), so that a job reads what is new, however long the journal is.
"""

import logging
import math
import os
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Self

from xuxie.errors import UserError
from xuxie.llm import index_files
from xuxie.llm.index_files import IndexFile, Record
from xuxie.llm.journal_index import Index
from xuxie.llm.segments import (
    FULL,
    IMPORTED,
    NoRoom,
    Segment,
    decode,
    encode,
    head,
    is_finished,
    lines,
    segments,
    try_writing,
)
from xuxie.llm.usage import Usage, token_count

logger = logging.getLogger(__name__)

_OFFSET_BITS = 44  # an index entry is one integer: number of the segment, offset in it
_OPEN_FILES = 64  # segments that are held open for reading
_SEGMENTS_AT_ONCE, _ENTRIES_AT_ONCE = (
    64,
    5000,
)  # finished and not covered yet: an index file is written for them
_INDEX_FILES = 8  # more are merged into one
_ROOM_MAY_COME, _LOOK_FOR_ROOM = 180.0, 5.0  # seconds that a full disk is waited for
_COARSEST_CLOCK = 2.0  # seconds within which a folder can change without a new time of change


class Journal:
    """Answers by key, from all segments of a folder. Of two answers under one key, the first one stays valid.

    Args:
        folder: made when the first answer is written.

    Attributes:
        spent: what all calls in it took, but for those of imported segments.
        damaged: how many lines are not as they were written.
    """

    _listed_as: float | None
    _looked_at: float

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._lock = threading.RLock()  # one thread may append while another one reads
        self._segment: Segment | None = None
        self._readers: OrderedDict[int, int] = OrderedDict()  # open files by segment's number
        self._covered: list[tuple[IndexFile, list[int]]] = []  # with the numbers of its segments
        self._forget()
        self.refresh()
        self._cover()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._leave_segment()
        self._forget()

    def __len__(self) -> int:
        return len(self._index) + sum(len(index) for index, _ in self._covered)

    def refresh(self, at_most_every: float = 0.0) -> None:
        """Take in what other processes have written, if the last look is at least so many seconds ago.

        Its work grows with the segments that are being written to, not with those that are finished.
        """
        if time.monotonic() - self._looked_at < at_most_every:
            return
        with self._lock:
            try:
                self._take_in()
            except FileNotFoundError:  # compacted while we looked
                self._forget()
                self._take_in()
        self._looked_at = time.monotonic()

    def get(self, key: str) -> dict | None:
        """The entry under a key, or None."""
        try:
            return self._entry_at(self._place(bytes.fromhex(key)))
        except OSError:  # compacted by somebody else since
            logger.info("reading the journal in %s anew", self.folder)
            with self._lock:
                self._forget()
            self.refresh()
            return self._entry_at(self._place(bytes.fromhex(key)))

    def _place(self, key: bytes) -> int | None:
        """Where the answer under a key begins; of two, the one in the segment whose name comes first."""
        new = self._index.get(key)
        places = [] if new is None else [new]
        for index, numbers in self._covered:
            if found := index.find(key):
                places.append(numbers[found.segment] << _OFFSET_BITS | found.offset)
        return min(
            places,
            key=lambda place: (self._names[place >> _OFFSET_BITS], place),
            default=None,
        )

    def _entry_at(self, place: int | None) -> dict | None:
        if place is None:
            return None
        with self._lock:
            line = self._line(place)
        try:
            return decode(line)
        except ValueError:
            logger.warning("%s was damaged since it was read", self.folder)
            return None

    def append(self, entries: list[dict]) -> None:
        """Write entries (see `entry_of`) and return when they are on the disk.

        What is to be written has been paid for: where the disk is full, it waits for a while until there is room.

        Raises:
            UserError: the disk stays full, or the folder cannot be written.
        """
        written = [encode(entry) for entry in entries]
        if self._segment is not None and self._segment.is_to_be_left:
            self._leave_segment()
        try:
            segment, offsets = self._written(written)
        except OSError as error:
            self._leave_segment()
            raise self._unwritable(error) from error
        with self._lock:
            number = self._number(segment)
            for line, offset in zip(written, offsets, strict=True):
                self._note(line, number, offset)

    def refuse_unwritable(self) -> None:
        """To be called before anything is paid for; leaves no file.

        Raises:
            UserError: the folder cannot be written.
        """
        try:
            try_writing(self.folder)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(
            f"the journal cannot be written: {error.strerror}",
            where=str(self.folder),
            remedy="make room, or name another folder in llm.journal; what was written before is safe",
        )

    def _written(self, written: list[bytes]) -> tuple[str, list[int]]:
        """The segment and the offsets in it of lines that are on the disk now."""
        until = time.monotonic() + _ROOM_MAY_COME
        while True:
            try:
                if self._segment is None:
                    self._segment = Segment(self.folder)
                return self._segment.path.name, self._segment.append(written)
            except OSError as error:
                full = isinstance(error, NoRoom) or (self._segment is None and error.errno in FULL)
                if not full or time.monotonic() > until:
                    raise
                logger.warning("no room for the journal in %s: waiting", self.folder)
                time.sleep(_LOOK_FOR_ROOM)

    def _leave_segment(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None

    def _take_in(self) -> None:
        """Index what the segments have gained."""
        paths = self._listing()
        if paths is not None:
            names = {path.name for path in paths}
            if not self._numbers.keys() <= names:
                self._forget()  # compacted by somebody else: entries have moved
            if not self._numbers:
                self._take_over({path.name: path.stat().st_size for path in paths})
            for path in paths:
                if path.name not in self._numbers:
                    self._growing.add(self._number(path.name))
        for number in sorted(self._growing):
            path = self.folder / self._names[number]
            finished = is_finished(path)  # before it is read: then this reading is the last one
            if finished:
                self._sizes[number] = path.stat().st_size  # as well: it may be replaced meanwhile
            for offset, line in lines(path, self._read[number]):
                self._note(line, number, offset)
                self._read[number] = offset + len(line)
            if finished:
                self._growing.discard(number)

    def _take_over(self, sizes: dict[str, int]) -> None:
        """Begin with what index files cover of the segments that are there, by name."""
        for index in index_files.open_all(self.folder, sizes):
            self._covered.append((index, [self._number(name) for name in index.sizes]))
            self.spent += index.spent
            self.damaged += index.damaged

    def _cover(self) -> None:
        """Write an index file, if many segments that have come to their end are in none, and take it in place of their entries.

        What cannot be written now, for want of room or of the right to, is written by another job.
        """
        covered = {number for _, numbers in self._covered for number in numbers}
        finished = set(range(len(self._names))) - covered - self._growing
        entries = sum(place >> _OFFSET_BITS in finished for _, place in self._index)
        if len(finished) < _SEGMENTS_AT_ONCE and entries < _ENTRIES_AT_ONCE:
            return
        try:
            self._write_index(sorted(finished))
            if len(self._covered) >= _INDEX_FILES:
                index_files.merge(self.folder, [index for index, _ in self._covered])
        except OSError as error:
            logger.info("no index of the journal in %s: %s", self.folder, error)
            return
        with self._lock:
            self._forget()
        self.refresh()

    def _write_index(self, numbers: list[int]) -> None:
        order = {number: place for place, number in enumerate(numbers)}
        records = sorted(
            Record(key, order[place >> _OFFSET_BITS], place & ((1 << _OFFSET_BITS) - 1))
            for key, place in self._index
            if place >> _OFFSET_BITS in order
        )
        index_files.write(
            self.folder,
            {self._names[number]: self._sizes[number] for number in numbers},
            records,
            len(records),
            sum((self._spent_in.get(number, Usage()) for number in numbers), Usage()),
            sum(self._damaged_in.get(number, 0) for number in numbers),
        )

    def _listing(self) -> list[Path] | None:
        """The segments, in order; None if the folder has not changed since they were listed."""
        now = time.time()
        changed = self.folder.stat().st_mtime if self.folder.is_dir() else 0.0
        if changed == self._listed_as and now - changed > _COARSEST_CLOCK:
            return None
        found = segments(self.folder)
        self._listed_as = changed if now - changed > _COARSEST_CLOCK else None
        return found

    def _forget(self) -> None:
        for file in self._readers.values():
            os.close(file)
        self._readers.clear()
        for index, _ in self._covered:
            index.close()
        self._covered.clear()
        self._spent_in: dict[int, Usage] = {}  # by segment, but for those that an index covers
        self._damaged_in: dict[int, int] = {}
        self.spent, self.damaged = Usage(), 0
        self._index = Index()
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._read: list[int] = []  # up to where each segment is indexed
        self._sizes: dict[int, int] = {}  # of finished segments, but for those that an index covers
        self._growing: set[int] = set()  # segments that may gain entries
        self._listed_as = None  # the folder's time of change at the last listing
        self._looked_at = float("-inf")

    def _note(self, line: bytes, number: int, offset: int) -> None:
        found = head(line)
        if found is None:
            self.damaged += 1
            self._damaged_in[number] = self._damaged_in.get(number, 0) + 1
            logger.warning(
                "%s holds a damaged line at byte %d", self.folder / self._names[number], offset
            )
            return
        key, usage = found
        place = number << _OFFSET_BITS | offset
        known = self._place(key)
        if known is None:
            self._index.put(key, place)
        elif known == place or self._line(known) == line:
            return  # seen before; or copied by a compaction that was killed
        if not self._names[number].startswith(IMPORTED):
            self.spent += usage
            self._spent_in[number] = self._spent_in.get(number, Usage()) + usage

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
            self._read.append(0)
        return self._numbers[name]

    def _line(self, place: int) -> bytes:
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        file = self._readers.get(number)
        if file is None:
            if len(self._readers) >= _OPEN_FILES:
                os.close(self._readers.popitem(last=False)[1])
            file = self._readers[number] = os.open(self.folder / self._names[number], os.O_RDONLY)
        line = b""
        while b"\n" not in line:
            piece = os.pread(file, 1 << 13, offset + len(line))
            if not piece:
                raise OSError(f"{self._names[number]} has become shorter")
            line += piece
        return line[: line.index(b"\n") + 1]


def entry_of(
    key: str, model: str, tokens: tuple[int, int, int] = (0, 0, 0), cost: float = 0.0, **rest
) -> dict:
    """An entry: what the index reads first, then whose it is and when it was made, then the rest.

    The answer is paid for by now, so that whatever numbers a provider counts in, this does not fail.
    """
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    usage = [token_count(value) or 0 for value in tokens]
    cost = cost if math.isfinite(cost) else 0.0
    return {"key": key, "usage": usage, "cost": cost, "at": at, "model": model, **rest}
