"""What stands before a held-out continuation when it is measured.

A continuation is read after the chapter so far; on a few rows also after less of it; and where there is enough of it
also after as much of another held-out chapter. Both sides of a comparison read the same. Contexts of one chapter begin
alike, so that a chapter costs little more than to be read once (`xuxie.models.shared_prefixes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from xuxie.evaluation.lengths import longest_of_most
from xuxie.files.novel_text import Chapter, chapter_of
from xuxie.sampling.spread import evenly_spread
from xuxie.text.sentences import bounds

_ENOUGH = 0.25
"""A context is the longest only if such a share of the rows, and two chapters, have it before them."""


@dataclass(frozen=True)
class Reading:
    """A continuation and what is read before it."""

    chapter: Chapter
    context: str
    completion: str


@dataclass(frozen=True)
class Plan:
    """Everything that each side of a comparison reads.

    Attributes:
        longest: characters of the longest context.
        whole: every row after the chapter so far: the last one to two times `longest` characters of it, where there are so many.
        full: the rows, by index, that have the longest context before them.
        mismatched: these once more, each after as much of another held-out chapter; empty if there is none.
        few: some of these, by index, that the ladder is measured on.
        ladder: by length, these few after at most so many characters; the longest is their `whole`.
        stretches: continuations of one length, to be followed by place, each after a row's worth of text.
    """

    longest: int
    whole: list[Reading]
    full: list[int]
    mismatched: list[Reading]
    few: list[int]
    ladder: dict[int, list[Reading]]
    stretches: list[Reading]


def plan_readings(
    rows: Sequence[dict],
    novels: dict[str, str],
    spans: dict[Chapter, tuple[int, int]],
    *,
    contexts: Sequence[int],
    ladder_rows: int,
    stretch: int,
    room: float,
) -> Plan:
    """What to read, from the held-out rows.

    Args:
        rows: rows of the test split, by chapter and place; `completion_span` says where in its novel a completion stands.
        novels: text.txt by novel.
        spans: where each held-out chapter begins and ends in it, by novel and number.
        contexts: lengths of true contexts, in characters.
        ladder_rows: how many rows the contexts below the longest are tried on.
        stretch: the most characters of a chapter that are followed by place.
        room: characters that the model's window holds.
    """
    before = [row["completion_span"][0] - spans[chapter_of(row)][0] for row in rows]
    longest = _longest(rows, before, contexts, room)
    whole = _after_chapter_so_far(rows, novels, spans, longest)
    full = [index for index, length in enumerate(before) if length >= longest]
    few = evenly_spread(full, ladder_rows)
    return Plan(
        longest=longest,
        whole=whole,
        full=full,
        mismatched=_mismatched([whole[index] for index in full]),
        few=few,
        ladder={
            length: [
                Reading(item.chapter, last(item.context, length), item.completion)
                for item in (whole[index] for index in few)
            ]
            for length in sorted(contexts)
            if length < longest
        },
        stretches=_stretches(rows, novels, spans, stretch, room),
    )


def held_out_rows(rows: Sequence[dict], count: int | None) -> list[dict]:
    """The rows to measure: all, or about `count` of them, the first so many of each chapter, so that each counts."""
    if count is None or len(rows) <= count:
        return list(rows)
    chapters = [list(group) for _, group in groupby(rows, chapter_of)]
    return [
        row
        for chapter in evenly_spread(chapters, count)
        for row in chapter[: max(1, count // len(chapters))]
    ]


def last(text: str, length: int) -> str:
    """At most the last `length` characters, from where a sentence begins in them, if one does."""
    if len(text) <= length:
        return text
    start = len(text) - length
    begins = bounds(text, 0, len(text))[:-1]
    return text[next((edge for edge in begins if edge >= start), start) :]


def _longest(rows: Sequence[dict], before: list[int], contexts: Sequence[int], room: float) -> int:
    """The longest of the contexts that the model's window holds twice, beside a continuation, and that enough rows have before them."""
    wanted = min(2, len(set(map(chapter_of, rows))))
    beside = max(len(row["output"]) for row in rows)
    for length in sorted(contexts, reverse=True):
        having = [row for row, found in zip(rows, before, strict=True) if found >= length]
        if (
            2 * length + beside <= room
            and len(having) >= _ENOUGH * len(rows)
            and len(set(map(chapter_of, having))) >= wanted
        ):
            return length
    return 0


def _after_chapter_so_far(
    rows: Sequence[dict],
    novels: dict[str, str],
    spans: dict[Chapter, tuple[int, int]],
    longest: int,
) -> list[Reading]:
    """Every row after its chapter so far; where that grows beyond twice the longest context, its beginning is left out at a sentence."""
    readings = []
    for chapter, group in groupby(rows, chapter_of):
        text, begin = novels[chapter[0]], spans[chapter][0]
        for row in group:
            start = row["completion_span"][0]
            if start - begin > 2 * longest:
                *_, sentence, _ = bounds(text, begin, start - longest)
                begin = max(sentence, start - 2 * longest)
            # At its opening a chapter has its heading before it.
            context = row["input"] if start == spans[chapter][0] else text[begin:start]
            readings.append(Reading(chapter, context, row["output"]))
    return readings


def _mismatched(readings: list[Reading]) -> list[Reading]:
    """Each continuation after the context, of all those in the next chapter, whose length is nearest to its own's."""
    chapters = {
        chapter: [item.context for item in group]
        for chapter, group in groupby(readings, lambda item: item.chapter)
    }
    names = list(chapters)
    if len(names) < 2:
        return []
    found = []
    for item in readings:
        other = chapters[names[(names.index(item.chapter) + 1) % len(names)]]
        size = len(item.context)
        context = min(other, key=lambda text: abs(len(text) - size))
        found.append(Reading(item.chapter, context, item.completion))
    return found


def _stretches(
    rows: Sequence[dict],
    novels: dict[str, str],
    spans: dict[Chapter, tuple[int, int]],
    longest: int,
    room: float,
) -> list[Reading]:
    """Continuations cut to the one length at which most text is measured.

    Each chapter's first row is a prompt, and the continuation what the novel has after it in that chapter, whether or not rows
    of it are measured one by one.
    """
    found = []
    for chapter, (row, *_) in groupby(rows, chapter_of):
        text, (start, middle) = novels[chapter[0]], row["completion_span"]
        length = int(min(longest, room - (middle - start), spans[chapter][1] - middle))
        if length > 0:
            found.append(Reading(chapter, text[start:middle], text[middle : middle + length]))
    common = longest_of_most([len(item.completion) for item in found])
    return [
        Reading(item.chapter, item.context, item.completion[:common])
        for item in found
        if len(item.completion) >= common
    ]
