"""From lines to paragraphs: broken lines are joined, blanks that only serve the page's layout are removed."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from xuxie.text import headings
from xuxie.text.aligned import AlignedText, Tally
from xuxie.text.han import HAN
from xuxie.text.lines import BLANKS, Lines

# Blanks within a line that are more than one, or of an odd kind. An ideographic space is a habit of verse.
_RUN = re.compile(rf"[{BLANKS}](?:[{BLANKS}]+|(?<![ \u3000]))")
_ODD_BLANK = re.compile(rf"(?![ \u3000])[{BLANKS}]")
_PAIRS = ("  ", "\u3000\u3000", " \u3000", "\u3000 ")

_FINISHED = frozenset("。！？…”』」）》】：；—～.!?:;\"')]*＊=~")
_FINISHED_CODES = np.array(sorted(map(ord, _FINISHED)), dtype=np.uint32)
_COMMAS = frozenset("，、,")
_GOES_ON = re.compile(rf"[{HAN}，。、；：？！”’」』）…]")
_MARK = re.compile(r"[，。！？；：．]")
_BETWEEN_MARKS = re.compile(rf"[^，。！？；：．、\s{BLANKS}]+")
_WORD = re.compile(rf"[{HAN}]|[^\s{HAN}]{{1,20}}")

# A line that breaks off within a sentence is prose, and no verse or signature, from this length on;
# after a comma only from the second: verse ends its lines with commas.
_PROSE, _LONG = 15, 40
# Where more of the longer lines than this end without a mark, that is the author's habit and not a fault.
_HABIT = 0.2
# Wrapped pages: at least this many lines, this wide, this share of them full, most of the full ones unfinished.
_LEAST_LINES, _NARROWEST, _WIDEST, _FULL, _UNFINISHED = 20, 20, 100, 0.2, 0.5


def lay_out(aligned: AlignedText, *, join: bool = True, strip: bool = True) -> tuple[Tally, Tally]:
    """Make every paragraph one line.

    Args:
        join: join the lines of pages wrapped at a width, and single lines that break off within
            a sentence. Headings stay lines of their own, and so do lines of verse.
        strip: remove indents, trailing and doubled blanks and the blank lines between paragraphs.
            More blank lines than are common in the text mark the end of a scene; one of them stays.

    Returns:
        what joining and what stripping did.
    """
    joined = _join(aligned) if join else Tally()
    return joined, _strip(aligned) if strip else Tally()


def _join(aligned: AlignedText) -> Tally:
    starts, ends, glue = [], [], []
    for start, end in _Page(aligned.lines).broken():
        starts.append(start)
        ends.append(end)
        latin = aligned.text[start - 1].isascii() and aligned.text[end].isascii()
        glue.append(" " if latin and aligned.text[start - 1] != "-" else "")
    return aligned.edit(starts, ends, glue)


def _strip(aligned: AlignedText) -> Tally:
    text, lines = aligned.text, aligned.lines
    if not len(lines):
        return Tally()
    scene_ends = lines.blank_lines > _common(lines.blank_lines)
    # Most often a line end follows at once, and what follows that up to the next line goes.
    plain = ~scene_ends & ~lines.trailing[:-1]
    starts, ends = [0], [int(lines.firsts[0])]
    for number in np.flatnonzero(~plain).tolist():
        last, following = int(lines.lasts[number]), int(lines.firsts[number + 1])
        kept = [text.find("\n", last, following)] + (
            [text.rfind("\n", last, following)] if scene_ends[number] else []
        )
        starts += [last, *(place + 1 for place in kept)]
        ends += [*kept, following]
    last = int(lines.lasts[-1])
    if text[last:] != "\n":
        starts.append(last)
        ends.append(len(text))
    all_starts, all_ends = (
        np.append(lines.lasts[:-1][plain] + 1, starts),
        np.append(lines.firsts[1:][plain], ends),
    )
    order = np.argsort(all_starts, kind="stable")
    order = order[all_starts[order] < all_ends[order]]
    starts, ends = all_starts[order].tolist(), all_ends[order].tolist()
    tally = aligned.edit(starts, ends)
    if _ODD_BLANK.search(aligned.alphabet) or any(pair in aligned.text for pair in _PAIRS):
        tally += aligned.sub(_RUN, lambda match: "\u3000" if "\u3000" in match[0] else " ")
    return tally if aligned.text.endswith("\n") else tally + aligned.append("\n")


def _common(blank_lines: np.ndarray) -> int:
    """How many empty lines usually stand between two lines."""
    return int(np.bincount(blank_lines).argmax()) if len(blank_lines) else 0


class _Page:
    """How the lines of a text are set."""

    def __init__(self, lines: Lines):
        self.lines = lines
        self.lengths = lines.lasts - lines.firsts
        self.unfinished = ~np.isin(lines.last_codes, _FINISHED_CODES)
        self.common_blanks = _common(lines.blank_lines)
        self.width = self._width()
        # What tells where a paragraph begins, if anything does: it must be there, and not everywhere.
        self.by_indent = len(lines) > 1 and 0.02 < lines.indented[1:].mean() < 0.9
        self.by_blank_line = len(lines) > 1 and 0.02 < (lines.blank_lines > 0).mean() < 0.9

    def _width(self) -> int:
        """The width that the page is wrapped at, in characters; 0 if it is not."""
        if len(self.lines) < _LEAST_LINES:
            return 0
        width = int(np.percentile(self.lengths, 98))
        sample = self.lines.text[:5000]
        latin = sum(map(str.isascii, sample)) > 0.5 * len(sample)
        full = self.lengths >= width - (12 if latin else 3)
        if not _NARROWEST <= width <= _WIDEST or full.mean() < _FULL:
            return 0
        return width if self.unfinished[full].mean() >= _UNFINISHED else 0

    def broken(self) -> Iterator[tuple[int, int]]:
        """The spans between two lines that belong together."""
        lines, wrapped = self.lines, self.width > 0
        suspects: Sequence[int]
        if wrapped:
            suspects = range(len(lines) - 1)
        else:
            prose = self.lengths[:-1] >= _PROSE
            suspects = np.flatnonzero(prose & self.unfinished[:-1]).tolist()
            if len(suspects) > max(_HABIT * np.count_nonzero(prose), 3):
                return
        for line in suspects:
            before, after = lines[line], lines[line + 1]
            if headings.parse(before) or headings.parse(after):
                continue
            if (wrapped and self._wrapped(line, before, after)) or self._breaks_off(
                line, before, after
            ):
                yield int(lines.lasts[line]), int(lines.firsts[line + 1])

    def _wrapped(self, line: int, before: str, after: str) -> bool:
        """Whether the line ends because the next word did not fit."""
        if self.lines.blank_lines[line] or (self.by_indent and self.lines.indented[line + 1]):
            return False
        word = _WORD.match(after)
        full = len(before) + len(word[0] if word else "") >= self.width - 1
        return full and (self.by_indent or self.by_blank_line or before[-1] not in _FINISHED)

    def _breaks_off(self, line: int, before: str, after: str) -> bool:
        """Whether the line is prose that stops within a sentence."""
        if (
            self.lines.blank_lines[line] > self.common_blanks
            or len(before) < _PROSE
            or before[-1] in _FINISHED
        ):
            return False
        if before[-1] in _COMMAS:
            return len(before) >= _LONG and _GOES_ON.match(after) is not None
        if before[-1].isascii():
            return before[-1].isalpha() and after[0].islower() and after[0].isascii()
        clauses = {len(clause) for clause in _BETWEEN_MARKS.findall(before)}
        verse = len(clauses) == 1 and clauses.pop() <= 8
        return _MARK.search(before) is not None and not verse and _GOES_ON.match(after) is not None
