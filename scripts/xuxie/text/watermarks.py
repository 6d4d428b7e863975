"""Adverts of the sites that a text passed through: found by pattern, and because they come back in every chapter."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import re2

from xuxie.errors import UserError
from xuxie.text import headings
from xuxie.text.aligned import AlignedText, Tally
from xuxie.text.lines import Lines

# Lines that come back and are the author's: 且听下回分解.
_FORMULA = re.compile(r"分解|下[回文章]|话说|话分两头|全书完|本章完")
_SPEECH = tuple('“‘「『"—')
# A line is taken for the site's if it is in this share of the chapters, and in at least this many ...
_SHARE, _FEWEST = 0.5, 5
# ... and mostly within this many lines of a heading, or too long to come back by chance.
_NEAR, _LONG = 3, 16


def read_patterns(path: str | Path, more: Iterable[str] = ()) -> re2._Regexp | None:
    """Compile a file of patterns (one per line, remarks after `#`) and some more into one.

    The syntax is RE2's, which takes time linear in the text whatever the pattern.

    Raises:
        UserError: one of them is no pattern; names it and its line.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    numbered = [(f"{path}, line {number}", line.strip()) for number, line in enumerate(lines, 1)]
    patterns = [(place, line) for place, line in numbered if line and not line.startswith("#")] + [
        ("config, watermarks", line) for line in more
    ]
    for place, pattern in patterns:
        try:
            compiled = re2.compile(f"(?m:{pattern})")
        except re2.error as error:
            raise UserError(
                f"{pattern!r} is no regular expression: {error}",
                where=place,
                remedy="correct it (the syntax is RE2's)",
            ) from error
        if compiled.search("") is not None:
            raise UserError(
                f"{pattern!r} matches the empty text",
                where=place,
                remedy="make it match an advert and nothing else",
            )
    return re2.compile("|".join(f"(?m:{pattern})" for _, pattern in patterns)) if patterns else None


def remove_watermarks(aligned: AlignedText, patterns: re2._Regexp | None) -> Tally:
    """Remove what matches; a line of which nothing is left goes as a whole."""
    if patterns is None:
        return Tally()
    text, encoded = aligned.text, aligned.text.encode()
    starts: list[int] = []
    ends: list[int] = []
    end = byte = 0
    for match in patterns.finditer(encoded):
        # The search counts bytes, the aligned characters.
        start = end + len(encoded[byte : match.start()].decode())
        end, byte = start + len(match.group().decode()), match.end()
        reached = end
        line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        if starts and ends[-1] > line_start and not text[max(ends[-1], line_start) : start].strip():
            # The line's second match, with nothing between.
            start = starts.pop()
            ends.pop()
        if not text[line_start:start].strip() and not text[end:line_end].strip():
            start, end = line_start, _next_line(text, line_end)
        starts.append(start)
        ends.append(end)
        end = reached
    return aligned.edit(starts, ends)


def remove_repeated_lines(aligned: AlignedText) -> tuple[Tally, dict[str, int]]:
    """Remove lines that come back in most chapters, and headings that come back within theirs.

    Returns:
        what was done, and how often each line was removed.
    """
    text, lines = aligned.text, aligned.lines
    found = [
        (start, heading.sure)
        for start, _, heading in headings.found_in(text)
        if heading.kind == "chapter"
    ]
    numbers = np.searchsorted(lines.firsts, [start for start, _ in found]).tolist()
    heading_at = set(numbers)
    sure_at = {number for number, (_, sure) in zip(numbers, found, strict=True) if sure}
    unwanted = sorted(_furniture(lines, sure_at) | _running_titles(lines, sorted(heading_at)))
    firsts = np.append(lines.firsts, len(text))
    counts = Counter(lines[number] for number in unwanted)
    tally = aligned.edit(
        [int(firsts[number]) for number in unwanted],
        [int(firsts[number + 1]) for number in unwanted],
    )
    return tally, dict(counts.most_common())


def _furniture(lines: Lines, heading_at: set[int]) -> set[int]:
    least = max(_SHARE * len(heading_at), _FEWEST)
    if len(heading_at) < _FEWEST:
        return set()
    lengths = lines.lasts - lines.firsts
    short = np.flatnonzero((lengths > 3) & (lengths <= headings.LONGEST))
    spans = zip(lines.firsts[short].tolist(), lines.lasts[short].tolist(), strict=True)
    said = [lines.text[first:last] for first, last in spans]
    counts = Counter(said)
    suspects = {
        line
        for line, count in counts.items()
        if least <= count <= 4 * len(heading_at) and _may_be_site(line)
    }
    if not suspects:
        return set()
    places: dict[str, list[int]] = {line: [] for line in suspects}
    for number, line in zip(short.tolist(), said, strict=True):
        if line in suspects:
            places[line].append(number)
    chapter_starts = sorted(heading_at)
    near = {number + step for number in heading_at for step in range(-_NEAR, _NEAR + 1)}
    unwanted: set[int] = set()
    for line, numbers in places.items():
        chapters = {bisect_right(chapter_starts, number) for number in numbers}
        close = sum(number in near for number in numbers)
        if len(chapters) >= least and (len(line) >= _LONG or close >= 0.6 * len(numbers)):
            unwanted.update(numbers)
    return unwanted


def _may_be_site(line: str) -> bool:
    return (
        any(map(str.isalpha, line))
        and not line.startswith(_SPEECH)
        and not _FORMULA.search(line)
        and headings.parse(line) is None
    )


def _running_titles(lines: Lines, heading_at: list[int]) -> set[int]:
    """Headings that are set again over a later page of their own chapter."""
    found, current, opening = set(), "", ""
    for number in heading_at:
        line = lines[number]
        letters = "".join(filter(str.isalnum, line))
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if letters != current:
            current, opening = letters, following
        elif following != opening and opening != line:
            # The same opening again would be the chapter a second time.
            found.add(number)
    return found


def _next_line(text: str, line_end: int) -> int:
    """Where the next line that is not empty begins, seen from the end of one."""
    while line_end < len(text):
        following = text.find("\n", line_end + 1)
        following = len(text) if following < 0 else following
        if text[line_end + 1 : following].strip():
            return line_end + 1
        line_end = following
    return len(text)
