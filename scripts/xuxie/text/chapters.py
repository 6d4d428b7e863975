"""Chapters: which headings are real, what they hold, and what is odd about their order."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import re2

from xuxie.errors import UserError
from xuxie.text import headings
from xuxie.text.chunks import balanced_cuts
from xuxie.text.headings import Heading
from xuxie.text.sentences import sentences

# What counts chapters, from the finest; a novel's chapters are the finest of the first group that it has.
_CHAPTER_UNITS = ("章", "回", "话", "話", "折", "chapter")
_OTHER_UNITS = ("节", "節", "幕", "场", "場", "集", "篇", "册", "冊", "卷", "季", "辑", "輯", "部", "part", "volume", "book")

# Text before the first heading of this length is a part of the novel, and no title page.
_OPENING = 1000
# So many headings in a row without text are a table of contents, if they come again later.
_CONTENTS = 3
# Two chapters are one if so much of their text is the same, in passages of so many characters.
_SAME, _SHINGLE, _LEAST = 0.9, 12, 50


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
    """A line that has the form of a heading, and the end of the line before it that is not empty."""

    start: int
    end: int
    heading: Heading
    before: str


def find_chapters(text: str, *, pattern: str | None = None, scene_size: int = 4000) -> tuple[list[Chapter], Findings]:
    """Find a text's chapters.

    Args:
        pattern: what a heading line matches as a whole, instead of the forms known here; its
            groups `number` and `title` are used.
        scene_size: the longest part, in characters, that text without headings is cut into.

    Raises:
        UserError: the pattern is no regular expression, or no line matches it.
    """
    findings = Findings()
    lines = list(_candidates(text)) if pattern is None else _matching(text, pattern)
    lines, contents = _without_contents(text, lines)
    accepted = _accepted(lines, findings) if pattern is None else lines
    chapters = list(_bodies(text, accepted, contents, findings))
    chapters = _without_repetitions(text, chapters, findings)
    opening = _opening(text, accepted, contents)
    if opening[1] - opening[0] >= _OPENING or not chapters:
        parts = scenes(text, *opening, scene_size)
        kind = "opening" if chapters else "scene"
        chapters = [Chapter(None, "", kind, None, start, end) for start, end in parts] + chapters
        if kind == "scene":
            findings.note = f"no headings found: the text is cut into {len(parts)} scenes of at most {scene_size} characters"
    findings.headings = len(accepted)
    findings.kinds = dict(Counter(chapter.kind for chapter in chapters))
    findings.contents = [list(span) for span in contents]
    findings.characters = _account(text, chapters, accepted, findings)
    return chapters, findings
