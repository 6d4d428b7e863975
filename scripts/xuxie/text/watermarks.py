"""Adverts of the sites a text came through: by pattern, and by their coming back in every chapter."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import re2

from xuxie.errors import UserError
from xuxie.text import headings
from xuxie.text.draft import Draft, Tally

# Lines that come back and are the author's: 且听下回分解.
_FORMULA = re.compile(r"分解|下[回文章]|话说|话分两头|全书完|本章完")
_SPEECH = tuple('“‘「『"—')
# A line is taken for the site's if it is in this share of the chapters, in at least so many of them ...
_SHARE, _FEWEST = 0.5, 5
# ... and mostly within so many lines of a heading, or too long to come back by chance.
_NEAR, _LONG = 3, 16

_BLOCK = 1 << 19


def read_patterns(path: str | Path, more: Iterable[str] = ()) -> re2._Regexp | None:
    """Compile a file of patterns, one a line, `#` for remarks, and some more, into one.

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
                f"{pattern!r} is no regular expression: {error}", where=place, remedy="correct it (the syntax is RE2's)"
            ) from error
        if compiled.search("") is not None:
            raise UserError(f"{pattern!r} matches the empty text", where=place, remedy="make it match an advert and nothing else")
    return re2.compile("|".join(f"(?m:{pattern})" for _, pattern in patterns)) if patterns else None


def remove_watermarks(draft: Draft, patterns: re2._Regexp | None) -> Tally:
    """Remove what matches; a line of which nothing is left goes as a whole."""
    if patterns is None:
        return Tally()
    text = draft.text
    starts, ends = [], []
    for start, end in _matches(text, patterns):
        line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        if starts and ends[-1] > line_start and not text[max(ends[-1], line_start) : start].strip():
            # The line's second match, with nothing between.
            start = starts.pop()
            ends.pop()
        if not text[line_start:start].strip() and not text[end:line_end].strip():
            start, end = line_start, _next_line(text, line_end)
        starts.append(start), ends.append(end)
    return draft.edit(starts, ends)


def _matches(text: str, patterns: re2._Regexp) -> Iterator[tuple[int, int]]:
    """Search block by block, whole lines each: the search wants bytes, and the bytes of all would be much."""
    block_start = 0
    while block_start < len(text):
        block_end = text.find("\n", block_start + _BLOCK) + 1 or len(text)
        encoded = text[block_start:block_end].encode()
        place, byte = block_start, 0
        for match in patterns.finditer(encoded):
            start = place + len(encoded[byte : match.start()].decode())
            place, byte = start + len(match.group().decode()), match.end()
            yield start, place
        block_start = block_end


def remove_repeated_lines(draft: Draft) -> tuple[Tally, dict[str, int]]:
    """Remove lines that come back in most chapters, and headings that come back within theirs.

    Returns:
        what was done, and how often each line was removed.
    """
    lines = draft.lines.written()
    found = dict(headings.found_in(lines))
    heading_at = {number for number, heading in found.items() if heading.sure and heading.kind == "chapter"}
    unwanted = sorted(_furniture(lines, heading_at) | _running_titles(lines, found))
    firsts = [*draft.lines.firsts, len(draft.text)]
    starts = [firsts[number] for number in unwanted]
    ends = [firsts[number + 1] for number in unwanted]
    return draft.edit(starts, ends), dict(Counter(lines[number] for number in unwanted).most_common())


def _furniture(lines: list[str], heading_at: set[int]) -> set[int]:
    least = max(_SHARE * len(heading_at), _FEWEST)
    if len(heading_at) < _FEWEST:
        return set()
    counts = Counter(line for line in lines if 3 < len(line) <= headings.LONGEST)
    suspects = {line for line, count in counts.items() if least <= count <= 4 * len(heading_at) and _may_be_site(line)}
    if not suspects:
        return set()
    places: dict[str, list[int]] = {line: [] for line in suspects}
    chapters: dict[str, set[int]] = {line: set() for line in suspects}
    near = {number + step for number in heading_at for step in range(-_NEAR, _NEAR + 1)}
    close: Counter[str] = Counter()
    chapter = 0
    for number, line in enumerate(lines):
        chapter += number in heading_at
        if line in suspects:
            places[line].append(number)
            chapters[line].add(chapter)
            close[line] += number in near
    return {
        number
        for line in suspects
        if len(chapters[line]) >= least and (len(line) >= _LONG or close[line] >= 0.6 * counts[line])
        for number in places[line]
    }


def _may_be_site(line: str) -> bool:
    return any(map(str.isalpha, line)) and not line.startswith(_SPEECH) and not _FORMULA.search(line) and headings.parse(line) is None


def _running_titles(lines: list[str], headings_at: dict[int, headings.Heading]) -> set[int]:
    """Headings that are set again over a later page of their own chapter."""
    found, current, opening = set(), "", ""
    for number, heading in headings_at.items():
        line = lines[number]
        if heading.kind != "chapter":
            continue
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
