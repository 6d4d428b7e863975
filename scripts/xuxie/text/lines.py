"""The lines of a text that have something written in them."""

from collections.abc import Iterator

import numpy as np

BLANKS = "\t \u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u202f\u205f\u3000"

_IS_BLANK = np.zeros(0x110000, dtype=bool)
_IS_BLANK[list(map(ord, BLANKS))] = True
# Blocks of about this many characters stay in the processor's cache.
_BLOCK = 1 << 19
# Longer rows of blanks are passed over line by line.
_LONG_INDENT = 32


class Lines:
    """Where the written lines of a text begin and end, without the blanks around them.

    All but `text` are arrays with one element per line.

    Attributes:
        text: the text.
        firsts: where the first character is.
        lasts: the offset after the last character.
        indented: whether blanks stand before the first character.
        trailing: whether blanks stand after the last character.
        last_codes: the code point of the last character.
        blank_lines: how many empty lines follow; for each line but the last.
    """

    def __init__(self, text: str):
        self.text = text
        columns: list[tuple] = []
        place = line = 0
        for block in whole_lines(text, _BLOCK):
            firsts, lasts, ordinals, *rest = _written(block)
            columns.append((firsts + place, lasts + place, ordinals + line, *rest))
            place += len(block)
            line += block.count("\n")
        self.firsts, self.lasts, ordinals, self.indented, self.trailing, self.last_codes = map(
            np.concatenate, zip(*columns, strict=True)
        )
        self.blank_lines = np.diff(ordinals) - 1

    def __len__(self) -> int:
        return len(self.firsts)

    def __getitem__(self, number: int) -> str:
        return self.text[self.firsts[number] : self.lasts[number]]


def whole_lines(text: str, size: int) -> Iterator[str]:
    """The text in blocks of whole lines, each of `size` characters and the rest of a line; one block at least."""
    start, end = 0, text.find("\n", size) + 1 or len(text)
    yield text[start:end]
    while end < len(text):
        start, end = end, text.find("\n", end + size) + 1 or len(text)
        yield text[start:end]


def _written(block: str) -> tuple[np.ndarray, ...]:
    """Firsts, lasts, ordinals among all lines, indented, trailing and last codes of a block's written lines."""
    # The final line end stops the search for the first character.
    codes = np.frombuffer((block + "\n").encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.flatnonzero(codes == ord("\n"))
    starts = np.append(0, ends[:-1] + 1)
    firsts, lasts = starts.copy(), ends.copy()
    moving = np.flatnonzero(_IS_BLANK[codes[firsts]])
    for _ in range(_LONG_INDENT):
        firsts[moving] += 1
        moving = moving[_IS_BLANK[codes[firsts[moving]]]]
    for line in moving.tolist():
        rest = block[firsts[line] : ends[line]]
        firsts[line] += len(rest) - len(rest.lstrip(BLANKS))
    ordinals = np.flatnonzero(firsts < ends)
    starts, firsts, lasts, ends = (
        starts[ordinals],
        firsts[ordinals],
        lasts[ordinals],
        ends[ordinals],
    )
    moving = np.flatnonzero(_IS_BLANK[codes[lasts - 1]])
    for _ in range(_LONG_INDENT):
        lasts[moving] -= 1
        moving = moving[_IS_BLANK[codes[lasts[moving] - 1]]]
    for line in moving.tolist():
        lasts[line] = firsts[line] + len(block[firsts[line] : lasts[line]].rstrip(BLANKS))
    return firsts, lasts, ordinals, firsts > starts, lasts < ends, codes[lasts - 1]
