"""Where a journal's answers are, by key, in a third of a dict's memory: flat arrays instead of objects."""

import struct
from array import array
from collections.abc import Iterator

_HALVES = struct.Struct("QQ")
_SMALLEST = 1 << 10  # slots
_FULL = 0.8  # taken slots, in parts of all, beyond which there are to be twice as many


class Index:
    """A hash table with open addressing.

    Keys are 16 bytes, values whole numbers from 0 to 2**64 - 2.
    """

    def __init__(self) -> None:
        self._count = 0
        self._make(_SMALLEST)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Keys and values, in no order."""
        for first, second, value in zip(self._first, self._second, self._values, strict=True):
            if value:
                yield _HALVES.pack(first, second), value - 1

    def get(self, key: bytes) -> int | None:
        """The value of a key, or None."""
        value = self._values[self._slot(key)]
        return value - 1 if value else None

    def put(self, key: bytes, value: int) -> None:
        """Give a key a value."""
        slot = self._slot(key)
        self._count += not self._values[slot]
        self._first[slot], self._second[slot] = _HALVES.unpack(key)
        self._values[slot] = value + 1
        if self._count > _FULL * len(self._values):
            self._grow()

    def _make(self, slots: int) -> None:
        self._first, self._second, self._values = (array("Q", bytes(8 * slots)) for _ in range(3))

    def _grow(self) -> None:
        old = zip(self._first, self._second, self._values, strict=True)
        self._make(2 * len(self._values))
        for first, second, value in old:
            if value:
                slot = self._slot(_HALVES.pack(first, second))
                self._first[slot], self._second[slot], self._values[slot] = first, second, value

    def _slot(self, key: bytes) -> int:
        """Where a key stands, or is to stand."""
        first, second = _HALVES.unpack(key)
        mask = len(self._values) - 1
        slot = hash(key) & mask
        while self._values[slot] and (self._first[slot] != first or self._second[slot] != second):
            slot = (slot + 1) & mask
        return slot
