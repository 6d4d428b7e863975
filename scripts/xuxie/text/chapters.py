"""Chapters: which headings are real, what they hold, and what is odd about their order."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from pathlib import PurePath

import re2

from xuxie.errors import UserError
from xuxie.overlap.ngrams import CHAPTER_NGRAM, ngrams
from xuxie.text import headings, numerals
from xuxie.text.headings import Heading
from xuxie.text.scenes import scenes, trimmed

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
_MOST_MISSING = 100_000
_INTRODUCES = frozenset("：，、:,“是道")
_SENTENCE_END = ("。", "；", "，")

# Text before the first heading of this length is a part of the novel, and no title page.
_OPENING = 1000
# So many headings in a row without text are a table of contents, if they come again later.
_CONTENTS = 3
# Two chapters are one if so much of their text is the same; shorter ones than this prove nothing.
_SAME, _LEAST = 0.9, 50
# A number may come again and again: only so many of the last chapters under it are compared.
_COMPARED = 3


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's text, without its heading: `text[start:end]`.

    Attributes:
        kind: chapter, volume, prologue, extra, epilogue, afterword; opening for text before the
            first heading, scene for a part of a novel that has no headings.
    """

    number: int | None
    title: str
    kind: str
    volume: int | None
    start: int
    end: int


@dataclass(slots=True)
class Findings:
    """What was noticed. Every `at` is an offset into the text, every span half-open.

    Attributes:
        gaps: numbers that are missing, and the heading before which they are.
        repeated_numbers: numbers that two different chapters carry.
        out_of_order: chapters that come after a higher number.
        dropped: chapters left out since their text came before.
        empty: headings without text.
        mentions: lines in the form of a heading that are none.
        contents: spans of tables of contents.
        characters: how many characters of the text are in chapters, in headings, and elsewhere.
    """

    headings: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    note: str = ""
    gaps: list[dict] = field(default_factory=list)
    repeated_numbers: list[dict] = field(default_factory=list)
    out_of_order: list[dict] = field(default_factory=list)
    dropped: list[dict] = field(default_factory=list)
    empty: list[dict] = field(default_factory=list)
    mentions: list[dict] = field(default_factory=list)
    contents: list[list[int]] = field(default_factory=list)
    characters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that has the form of a heading, and the last character before it that is no blank."""

    start: int
    end: int
    heading: Heading
    before: str


def find_chapters(
    text: str,
    *,
    pattern: str | None = None,
    scene_size: int = 4000,
    files: Sequence[tuple[int, str]] = (),
) -> tuple[list[Chapter], Findings]:
    """Find a text's chapters.

    Args:
        files: where the text of each source file begins, and the file's name. Without headings,
            several files are as many chapters.
        pattern: what a heading line matches as a whole, instead of the forms known here; its
            groups `number` and `title` are used.
        scene_size: the longest part, in characters, that text without headings is cut into.

    Raises:
        UserError: the pattern is no regular expression, no line matches it, or there is no text under the headings.
    """
    findings = Findings()
    if pattern is None:
        lines = _without_contents(text, _candidates(text), findings)
        lines = _by_number(_of_chapter_level(lines, findings), findings)
    else:
        lines = _matching(text, pattern)
    stretches = _stretches(text, lines, findings)
    chapters = _without_repetitions(text, stretches, findings)
    _note_order(chapters, findings)
    first = lines[0].start if lines else len(text)
    opening = trimmed(
        text, max((end for _, end in findings.contents if end <= first), default=0), first
    )
    if not lines and len(files) > 1:
        chapters = _of_files(text, files)
        findings.note = f"no headings found: each of {len(files)} files is a chapter"
    elif not chapters or opening[1] - opening[0] >= _OPENING:
        kind = "opening" if chapters else "scene"
        parts = scenes(text, *opening, scene_size)
        chapters = [Chapter(None, "", kind, None, start, end) for start, end in parts] + chapters
        if kind == "scene":
            findings.note = f"no headings found: the text is cut into {len(parts)} scenes of at most {scene_size} characters"
    if not chapters:
        raise UserError(
            "the text holds headings and nothing under them",
            where="the novel's text",
            remedy="look at its files; is this a table of contents?",
        )
    findings.headings = len(lines)
    findings.kinds = dict(Counter(chapter.kind for chapter in chapters))
    findings.characters = _account(text, chapters, lines, findings)
    return chapters, findings


def _of_files(text: str, files: Sequence[tuple[int, str]]) -> list[Chapter]:
    """A chapter for each file that has text; its name may hold number and title."""
    chapters = []
    for (start, name), (end, _) in pairwise([*files, (len(text), "")]):
        start, end = trimmed(text, start, end)
        stem = PurePath(name.split("!")[-1]).stem
        heading = headings.parse(stem)
        if start < end:
            named = heading or Heading("chapter", "", None, stem, True)
            kind = "chapter" if named.kind in ("bare", "volume") else named.kind
            chapters.append(Chapter(named.number, named.title, kind, named.volume, start, end))
    return chapters


def _candidates(text: str) -> list[_Line]:
    """The lines in the form of a heading."""
    return [
        _Line(start, end, heading, _last_before(text, start))
        for start, end, heading in headings.found_in(text)
    ]


def _last_before(text: str, start: int) -> str:
    while start > 0 and text[start - 1].isspace():
        start -= 1
    return text[max(start - 1, 0) : start]


def _matching(text: str, pattern: str) -> list[_Line]:
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
                _Line(
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


def _without_contents(text: str, lines: list[_Line], findings: Findings) -> list[_Line]:
    """Leave out tables of contents: headings in a row without text between, which come again later."""
    kept: list[_Line] = []
    row: list[_Line] = []
    names = Counter(_name(line) for line in lines)
    for line, following in zip_longest(lines, lines[1:]):
        row.append(line)
        if following is not None and not text[line.end : following.start].strip():
            continue
        listed = [entry for entry in row if names[_name(entry)] > 1]
        if len(listed) >= _CONTENTS and len(listed) > len(row) / 2:
            # The last entry may be the first heading of the text.
            last = row.pop() if len(row) > _CONTENTS and _name(row[-1]) == _name(row[0]) else None
            findings.contents.append([row[0].start, row[-1].end])
            names.subtract(map(_name, row))
            kept += [last] if last else []
        else:
            kept += row
        row = []
    return kept


def _name(line: _Line) -> tuple:
    heading = line.heading
    return (
        heading.kind,
        heading.unit,
        heading.number,
        heading.volume,
        "".join(filter(str.isalnum, heading.title)),
    )


def _of_chapter_level(lines: list[_Line], findings: Findings) -> list[_Line]:
    """Keep the headings of volumes and of chapters; those of finer parts stay in the text.

    What counts the chapters is told by what the novel has: 节 are chapters if there are no 章.
    """
    units = Counter(line.heading.unit for line in lines if line.heading.unit)
    chapter_units = {unit for unit in _CHAPTER_UNITS if units[unit]}
    if not chapter_units:
        chapter_units = {next((unit for unit in _OTHER_UNITS if units[unit] > 1), "")}
    finest = (
        max(_OTHER_UNITS.index(unit) for unit in chapter_units)
        if chapter_units <= set(_OTHER_UNITS)
        else _FINER
    )
    bare = set() if units else _bare_numbers(lines)
    kept = []
    for line in lines:
        heading = line.heading
        if heading.kind == "bare":
            if line.start in bare:
                kept.append(replace(line, heading=replace(heading, kind="chapter", sure=True)))
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


def _bare_numbers(lines: list[_Line]) -> set[int]:
    """Where numbers alone on their lines are headings: they must count on from 1, three at least."""
    run: list[int] = []
    for line in lines:
        if line.heading.kind == "bare" and line.heading.number == len(run) + 1:
            run.append(line.start)
    return set(run) if len(run) >= _CONTENTS else set()


def _by_number(lines: list[_Line], findings: Findings) -> list[_Line]:
    """Leave out what only looks like a heading, by its form and by how the numbers go on."""
    numbered = [line for line in lines if line.heading.kind == "chapter"]
    # Where most headings have no blank before the title, that is how this novel writes them.
    usual = 2 * sum(not line.heading.sure for line in numbered) >= len(numbered)
    kept: list[_Line] = []
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


def _numbers_ahead(lines: list[_Line]) -> list[tuple[int | None, int | None]]:
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


def _mention(line: _Line, why: str) -> dict:
    return {
        "at": line.start,
        "number": line.heading.number,
        "title": line.heading.title,
        "why": why,
    }


def _stretches(text: str, lines: list[_Line], findings: Findings) -> list[tuple[_Line, Chapter]]:
    """Each heading with the text up to the next; a heading set twice in a row is one."""
    found: list[tuple[_Line, Chapter]] = []
    volume: int | None = None
    listed = [start for start, _ in findings.contents]
    for line, following in zip_longest(lines, lines[1:]):
        heading = line.heading
        end = following.start if following else len(text)
        after = bisect_left(listed, line.end)
        end = min([end, *listed[after : after + 1]])
        if heading.kind == "volume":
            volume = heading.number
        start, end = trimmed(text, line.end, end)
        if start == end:
            if heading.kind != "volume" and not (following and _name(following) == _name(line)):
                findings.empty.append(
                    {"at": line.start, "number": heading.number, "title": heading.title}
                )
            continue
        inside = heading.volume or (volume if heading.kind == "chapter" else None)
        found.append(
            (line, Chapter(heading.number, heading.title, heading.kind, inside, start, end))
        )
    return found


def _without_repetitions(
    text: str, stretches: list[tuple[_Line, Chapter]], findings: Findings
) -> list[Chapter]:
    """Leave out chapters whose text was there before, to the letter or nearly."""
    kept: list[Chapter] = []
    seen: dict[str, Chapter] = {}
    numbered: dict[tuple, list[Chapter]] = {}
    for line, chapter in stretches:
        body = text[chapter.start : chapter.end]
        first = seen.get(body) if len(body) >= _LEAST else None
        key = (chapter.kind, chapter.volume, chapter.number)
        if first is None and chapter.number is not None:
            first = next(
                (
                    other
                    for other in numbered.get(key, [])[-_COMPARED:]
                    if _nearly_same(body, text[other.start : other.end])
                ),
                None,
            )
        if first is None:
            kept.append(chapter)
            seen[body] = chapter
            numbered.setdefault(key, []).append(chapter)
        else:
            where = {"at": line.start, "number": chapter.number, "title": chapter.title}
            findings.dropped.append(
                where | {"start": chapter.start, "end": chapter.end, "same_as": first.start}
            )
    return kept


def _nearly_same(one: str, other: str) -> bool:
    if not _LEAST <= min(len(one), len(other)) or min(len(one), len(other)) < _SAME * max(
        len(one), len(other)
    ):
        return False
    ours, theirs = (set(ngrams(body, CHAPTER_NGRAM)) for body in (one, other))
    return len(ours & theirs) >= _SAME * len(ours | theirs)


def _note_order(chapters: list[Chapter], findings: Findings) -> None:
    """Report gaps, numbers used twice and disorder, part by part where numbers start anew."""
    parts: list[list[tuple[int, Chapter]]] = [[]]
    for chapter in chapters:
        if chapter.kind != "chapter" or chapter.number is None:
            continue
        if parts[-1] and chapter.number == 1:
            last_number, last = parts[-1][-1]
            if chapter.volume != last.volume or last_number > _CONTENTS:
                parts.append([])
        parts[-1].append((chapter.number, chapter))
    for part in parts:
        present, highest = {number for number, _ in part}, 0
        counted: set[int] = set()
        for number, chapter in part:
            where = {"number": number, "title": chapter.title, "at": chapter.start}
            if number in counted:
                findings.repeated_numbers.append(where)
            elif number < highest:
                findings.out_of_order.append(where | {"after": highest})
            missing = [
                absent
                for absent in range(highest + 1, min(number, highest + _MOST_MISSING))
                if absent not in present
            ]
            if missing:
                findings.gaps.append(
                    {
                        "from": missing[0],
                        "to": number - 1,
                        "missing": number - highest - 1,
                        "at": chapter.start,
                    }
                )
            counted.add(number)
            highest = max(highest, number)


def _account(
    text: str, chapters: list[Chapter], lines: list[_Line], findings: Findings
) -> dict[str, int]:
    """Every character of the text, by where it went."""
    inside = sum(chapter.end - chapter.start for chapter in chapters)
    heads = sum(line.end - line.start for line in lines)
    dropped = sum(chapter["end"] - chapter["start"] for chapter in findings.dropped)
    contents = sum(end - start for start, end in findings.contents)
    spans = sorted(
        [(chapter.start, chapter.end) for chapter in chapters]
        + [(line.start, line.end) for line in lines]
        + [(chapter["start"], chapter["end"]) for chapter in findings.dropped]
        + [tuple(span) for span in findings.contents]
    )
    blank = outside = place = 0
    for start, end in [*spans, (len(text), len(text))]:
        if start < place:
            raise AssertionError(f"two parts of the text overlap at {start}")
        spaces = len(text[place:start]) - len("".join(text[place:start].split()))
        blank, outside, place = blank + spaces, outside + (start - place - spaces), end
    return {
        "text": len(text),
        "chapters": inside,
        "headings": heads,
        "repeated_chapters": dropped,
        "contents": contents,
        "before_first_heading": outside,
        "blank": blank,
    }
