"""From lines to paragraphs: broken lines are joined, blanks that only lay out the page are removed."""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from xuxie.text import headings
from xuxie.text.draft import Draft, Tally
from xuxie.text.lines import Lines

_BLANK = "\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
# Blanks within a line that are more than one, or of an odd kind. An ideographic space is a habit of verse.
_RUN = re.compile(rf"[{_BLANK}](?:[{_BLANK}]+|(?<![ \u3000]))")
_ODD_BLANK = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f]")
_PAIRS = ("  ", "\u3000\u3000", " \u3000", "\u3000 ")

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_FINISHED = frozenset("。！？…”』」）》】：；—～.!?:;\"')]*＊=~")
_COMMAS = frozenset("，、,")
_GOES_ON = re.compile(rf"[{_HAN}，。、；：？！”’」』）…]")
_MARK = re.compile(r"[，。！？；：．]")
_BETWEEN_MARKS = re.compile(rf"[^，。！？；：．、\s{_BLANK}]+")
_WORD = re.compile(rf"[{_HAN}]|[^\s{_HAN}]{{1,20}}")

# A line that breaks off within a sentence is prose, and no verse or signature, from this length on;
# after a comma only from the second: verse ends its lines with commas.
_PROSE, _LONG = 15, 40
# Where more of the longer lines than this end without a mark, that is the author's habit and not a fault.
_HABIT = 0.2
# Wrapped pages: so many lines at least, this wide, so many of them full, most of the full ones unfinished.
_LEAST_LINES, _NARROWEST, _WIDEST, _FULL, _UNFINISHED = 20, 20, 100, 0.2, 0.5


def lay_out(draft: Draft, *, join: bool = True, strip: bool = True) -> tuple[Tally, Tally]:
    """Make every paragraph one line.

    Args:
        join: join the lines of pages wrapped at a width, and single lines that break off within
            a sentence. Headings stay lines of their own, and so do lines of verse.
        strip: remove indents, trailing and doubled blanks and the blank lines between paragraphs.
            More blank lines than are common in the text mark the end of a scene; one of them stays.

    Returns:
        what joining and what stripping did.
    """
    joined = _join(draft) if join else Tally()
    return joined, _strip(draft) if strip else Tally()


def _join(draft: Draft) -> Tally:
    starts, ends, glue = [], [], []
    for start, end in _Page(draft.lines).broken():
        starts.append(start)
        ends.append(end)
        latin = draft.text[start - 1].isascii() and draft.text[end].isascii()
        glue.append(" " if latin and draft.text[start - 1] != "-" else "")
    return draft.edit(starts, ends, glue)


def _strip(draft: Draft) -> Tally:
    text, lines = draft.text, draft.lines
    if not len(lines):
        return Tally()
    scene_ends = np.array(lines.blank_lines, dtype=np.int64) > _common(lines.blank_lines)
    lasts, nexts = np.array(lines.lasts[:-1], dtype=np.int64), np.array(lines.firsts[1:], dtype=np.int64)
    # Most often a line end follows at once, and what follows that up to the next line goes.
    plain = ~scene_ends
    plain[lines.trailing] = False
    starts, ends = [0], [lines.firsts[0]]
    for number in sorted({*np.flatnonzero(scene_ends).tolist(), *lines.trailing}):
        last, following = lines.lasts[number], lines.firsts[number + 1]
        kept = [text.find("\n", last, following)] + ([text.rfind("\n", last, following)] if scene_ends[number] else [])
        starts += [last, *(place + 1 for place in kept)]
        ends += [*kept, following]
    all_starts, all_ends = np.append(lasts[plain] + 1, starts), np.append(nexts[plain], ends)
    order = np.argsort(all_starts, kind="stable")
    order = order[all_starts[order] < all_ends[order]]
    starts, ends = all_starts[order].tolist(), all_ends[order].tolist()
    if text[lines.lasts[-1] :] != "\n":
        starts.append(lines.lasts[-1])
        ends.append(len(text))
    tally = draft.edit(starts, ends)
    if _ODD_BLANK.search(draft.alphabet) or any(pair in draft.text for pair in _PAIRS):
        tally += draft.sub(_RUN, lambda match: "\u3000" if "\u3000" in match[0] else " ")
    return tally if draft.text.endswith("\n") else tally + draft.append("\n")


def _common(blank_lines: list[int]) -> int:
    """How many empty lines usually stand between two lines."""
    return Counter(blank_lines).most_common(1)[0][0] if blank_lines else 0


class _Page:
    """How the lines of a text are set."""

    def __init__(self, lines: Lines):
        self.text, self.firsts, self.lasts = lines.text, lines.firsts, lines.lasts
        self.blank_lines = lines.blank_lines
        self.common_blanks = _common(self.blank_lines)
        self.lengths = np.array(self.lasts) - np.array(self.firsts)
        self.width = self._width(self.lengths)
        if not self.width:
            return
        self.indents = np.array([self.text[first - 1] != "\n" for first in self.firsts[1:]], dtype=bool)
        # What tells where a paragraph begins, if anything does: it must be there, and not everywhere.
        self.by_indent = len(self.indents) > 0 and 0.02 < self.indents.mean() < 0.9
        self.by_blank_line = len(self.indents) > 0 and 0.02 < np.mean(np.array(self.blank_lines) > 0) < 0.9

    def _width(self, lengths: np.ndarray) -> int:
        """The width that the page is wrapped at, in characters; 0 if it is not."""
        if len(lengths) < _LEAST_LINES:
            return 0
        width = int(np.percentile(lengths, 98))
        latin = sum(map(str.isascii, self.text[:5000])) > 0.5 * min(len(self.text), 5000)
        full = np.flatnonzero(lengths >= width - (12 if latin else 3))
        if not _NARROWEST <= width <= _WIDEST or len(full) < _FULL * len(lengths):
            return 0
        unfinished = sum(self.text[self.lasts[line] - 1] not in _FINISHED for line in full.tolist())
        return width if unfinished >= _UNFINISHED * len(full) else 0

    def broken(self) -> Iterator[tuple[int, int]]:
        """The spans between two lines that belong together."""
        wrapped = self.width > 0
        text, firsts, lasts = self.text, self.firsts, self.lasts
        if wrapped:
            suspects = range(len(lasts) - 1)
        else:
            long_lines = np.flatnonzero(self.lengths[:-1] >= _PROSE).tolist()
            suspects = [line for line in long_lines if text[lasts[line] - 1] not in _FINISHED]
            if len(suspects) > max(_HABIT * len(long_lines), 3):
                return
        for line in suspects:
            before, after = text[firsts[line] : lasts[line]], text[firsts[line + 1] : lasts[line + 1]]
            if headings.parse(before) or headings.parse(after):
                continue
            if (wrapped and self._wrapped(line, before, after)) or self._breaks_off(line, before, after):
                yield firsts[line] + len(before), firsts[line + 1]

    def _wrapped(self, line: int, before: str, after: str) -> bool:
        """Whether the line ends because the next word did not fit."""
        if self.blank_lines[line] or (self.by_indent and self.indents[line]):
            return False
        word = _WORD.match(after)
        full = len(before) + len(word[0] if word else "") >= self.width - 1
        return full and (self.by_indent or self.by_blank_line or before[-1] not in _FINISHED)

    def _breaks_off(self, line: int, before: str, after: str) -> bool:
        """Whether the line is prose that stops within a sentence."""
        if self.blank_lines[line] > self.common_blanks or len(before) < _PROSE or before[-1] in _FINISHED:
            return False
        if before[-1] in _COMMAS:
            return len(before) >= _LONG and _GOES_ON.match(after) is not None
        if before[-1].isascii():
            return before[-1].isalpha() and after[0].islower() and after[0].isascii()
        clauses = {len(clause) for clause in _BETWEEN_MARKS.findall(before)}
        verse = len(clauses) == 1 and clauses.pop() <= 8
        return _MARK.search(before) is not None and not verse and _GOES_ON.match(after) is not None
