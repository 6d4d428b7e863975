"""Which of the lines in the form of a heading are headings of volumes and chapters."""

from collections import Counter
from dataclasses import replace
from itertools import zip_longest

import re2

from xuxie.errors import UserError
from xuxie.text import headings, numerals
from xuxie.text.bare_numbers import counting
from xuxie.text.headings import Heading, HeadingLine
from xuxie.text.structure import Findings

# What counts chapters, from the finest; a novel's chapters are the finest of the first group that it has.
_CHAPTER_UNITS = ("章", "回", "话", "話", "折", "chapter")

_OTHER_UNITS = (
    "节",
    "節",
    "幕",
    "场",
    "場",
    "集",
    "篇",
    "册",
    "冊",
    "卷",
    "季",
    "辑",
    "輯",
    "部",
    "part",
    "volume",
    "book",
)

# Finer than any of _OTHER_UNITS: what stands beside chapters proper is above them, except these.
_FINER = 4

_LONGEST_MATCHED = 200

_INTRODUCES = frozenset("：，、:,“是道")

_SENTENCE_END = ("。", "；", "，")

# This many headings in a row without text are a table of contents, if they come again later.
_FEWEST_IN_A_ROW = 3


def heading_lines(text: str, findings: Findings) -> list[HeadingLine]:
    """The headings of volumes and chapters, in the order of the text.

    Args:
        findings: takes the tables of contents, and the lines that only look like a heading.
    """
    lines = _without_contents(text, _candidates(text), findings)
    return _by_number(_of_chapter_level(text, lines, findings), findings)


def matching_lines(text: str, pattern: str) -> list[HeadingLine]:
    """The lines that match a pattern of the user's; see `find_chapters`.

    Raises:
        UserError: the pattern is no regular expression, or no line matches it.
    """
    try:
        compiled = re2.compile(pattern)
    except re2.error as error:
        what = f"{pattern!r} is no regular expression: {error}"
        raise UserError(
            what, where="config, chapter_pattern", remedy="correct it (the syntax is RE2's)"
        ) from error
    found, place = [], 0
    for line in text.split("\n"):
        if line and len(line) <= _LONGEST_MATCHED and (match := compiled.fullmatch(line.strip())):
            groups = match.groupdict()
            number = numerals.number(groups.get("number") or "")
            found.append(
                HeadingLine(
                    place,
                    place + len(line),
                    Heading("chapter", "", number, groups.get("title") or "", True),
                    "",
                )
            )
        place += len(line) + 1
    if not found:
        what = f"no line matches {pattern!r}"
        raise UserError(
            what,
            where="config, chapter_pattern",
            remedy="correct it, or set it to null for the forms known here",
        )
    return found


def _candidates(text: str) -> list[HeadingLine]:
    """The lines in the form of a heading."""
    return [
        HeadingLine(start, end, heading, _last_before(text, start))
        for start, end, heading in headings.found_in(text)
    ]


def _last_before(text: str, start: int) -> str:
    while start > 0 and text[start - 1].isspace():
        start -= 1
    return text[max(start - 1, 0) : start]


def _without_contents(text: str, lines: list[HeadingLine], findings: Findings) -> list[HeadingLine]:
    """Leave out tables of contents: headings in a row without text between, which come again later."""
    kept: list[HeadingLine] = []
    row: list[HeadingLine] = []
    names = Counter(line.key for line in lines)
    for line, following in zip_longest(lines, lines[1:]):
        row.append(line)
        if following is not None and not text[line.end : following.start].strip():
            continue
        listed = [entry for entry in row if names[entry.key] > 1]
        if len(listed) >= _FEWEST_IN_A_ROW and len(listed) > len(row) / 2:
            # The last entry may be the first heading of the text.
            last = row.pop() if len(row) > _FEWEST_IN_A_ROW and row[-1].key == row[0].key else None
            findings.contents.append([row[0].start, row[-1].end])
            names.subtract(entry.key for entry in row)
            kept += [last] if last else []
        else:
            kept += row
        row = []
    return kept


def _of_chapter_level(text: str, lines: list[HeadingLine], findings: Findings) -> list[HeadingLine]:
    """Keep the headings of volumes and of chapters; those of finer parts stay in the text.

    Which unit counts chapters depends on which units the novel has: 节 are chapters if there are no 章, and bare numbers if
    there is nothing but volumes.
    """
    units = Counter(line.heading.unit for line in lines if line.heading.unit)
    no_chapters = all(line.heading.kind != "chapter" for line in lines)
    bare = {line.start for line in counting(text, lines)} if no_chapters else set()
    chapter_units = {unit for unit in _CHAPTER_UNITS if units[unit]}
    if not chapter_units and not bare:
        chapter_units = {next((unit for unit in _OTHER_UNITS if units[unit] > 1), "")}
    finest = (
        max(_OTHER_UNITS.index(unit) for unit in chapter_units)
        if chapter_units and chapter_units <= set(_OTHER_UNITS)
        else _FINER
    )
    kept = []
    for line in lines:
        heading = line.heading
        if heading.kind == "bare":
            if line.start in bare:
                kept.append(replace(line, heading=replace(heading, kind="chapter", sure=True)))
            else:
                findings.mentions.append(_mention(line, "a number that counts no chapters"))
        elif not heading.unit or heading.unit in chapter_units:
            kept.append(
                line
                if heading.kind != "volume"
                else replace(line, heading=replace(heading, kind="chapter"))
            )
        elif heading.unit in _OTHER_UNITS and _OTHER_UNITS.index(heading.unit) > finest:
            kept.append(replace(line, heading=replace(heading, kind="volume")))
        else:
            findings.mentions.append(_mention(line, "a part of a chapter"))
    return kept


def _by_number(lines: list[HeadingLine], findings: Findings) -> list[HeadingLine]:
    """Leave out what only looks like a heading, by its form and by how the numbers go on."""
    numbered = [line for line in lines if line.heading.kind == "chapter"]
    # Where most headings have no blank before the title, that is how this novel writes them.
    usual = 2 * sum(not line.heading.sure for line in numbered) >= len(numbered)
    kept: list[HeadingLine] = []
    last = 0
    for line, (next_number, next_sure_number) in zip(lines, _numbers_ahead(lines), strict=True):
        heading = line.heading
        if heading.kind != "chapter" or heading.number is None:
            kept.append(line)
            last = 0 if heading.kind == "volume" and next_number == 1 else last
            continue
        goes_on = heading.number == last + 1
        if not goes_on and not (heading.sure or usual):
            findings.mentions.append(_mention(line, "its number does not go on from the last"))
        elif not goes_on and next_sure_number == last + 1 and line.before in _INTRODUCES:
            findings.mentions.append(_mention(line, "the line before introduces it"))
        elif (
            not heading.sure
            and line.heading.title.endswith(_SENTENCE_END)
            and not (goes_on and next_sure_number == heading.number + 1)
        ):
            findings.mentions.append(_mention(line, "it is a sentence"))
        else:
            kept.append(line)
            last = heading.number
    return kept


def _numbers_ahead(lines: list[HeadingLine]) -> list[tuple[int | None, int | None]]:
    """For each heading, the number of the next chapter after it, and of the next whose form is sure."""
    ahead: list[tuple[int | None, int | None]] = []
    number: int | None = None
    sure_number: int | None = None
    for line in reversed(lines):
        ahead.append((number, sure_number))
        if line.heading.kind == "chapter":
            number = line.heading.number
            sure_number = number if line.heading.sure else sure_number
    return ahead[::-1]


def _mention(line: HeadingLine, why: str) -> dict:
    return {
        "at": line.start,
        "number": line.heading.number,
        "title": line.heading.title,
        "why": why,
    }
