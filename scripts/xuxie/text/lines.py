"""The lines of a text that have something written in them."""

import re
from functools import cached_property

_BLANK = "\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_BLANKS = frozenset(" \t\u00a0\u1680\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_LINE_END = re.compile(rf"\n[{_BLANK}\n]*")


class Lines:
    """Where the written lines of a text begin and end, without the blanks around them.

    Attributes:
        text: the text.
        firsts: where each line's first character is.
        lasts: the offset after each line's last character.
        trailing: the numbers of the lines with blanks after that.
    """

    def __init__(self, text: str):
        self.text = text
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        if start >= end:
            self.firsts, self.lasts, self.trailing = [], [], []
            return
        gaps = [match.span() for match in _LINE_END.finditer(text, start, end)]
        self.firsts = [start, *[gap_end for _, gap_end in gaps]]
        self.lasts = [*[gap_start for gap_start, _ in gaps], end]
        self.trailing = [number for number, last in enumerate(self.lasts) if text[last - 1] in _BLANKS]
        for number in self.trailing:
            while text[self.lasts[number] - 1] in _BLANKS:
                self.lasts[number] -= 1

    def __len__(self) -> int:
        return len(self.firsts)

    def __getitem__(self, number: int) -> str:
        return self.text[self.firsts[number] : self.lasts[number]]

    @cached_property
    def blank_lines(self) -> list[int]:
        """How many empty lines follow each line but the last."""
        count = self.text.count
        return [count("\n", last, first) - 1 for last, first in zip(self.lasts, self.firsts[1:], strict=False)]
