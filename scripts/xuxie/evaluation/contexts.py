"""What stands before a held-out continuation when it is measured.

A continuation is read after the chapter so far; on a few rows also after less of it; and where there is enough of it
also after as much of another held-out chapter. Both sides of a comparison read the same. Contexts of one chapter begin
alike, so that a chapter costs little more than to be read once (`xuxie.models.shared_prefixes`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from xuxie.sampling.spread import evenly_spread
from xuxie.text.sentences import bounds

Chapter = tuple[str, int]
"""A novel and the number of one of its chapters."""

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
    starts: dict[Chapter, int],
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
        starts: where each held-out chapter begins in it, by novel and number.
        contexts: lengths of true contexts, in characters.
        ladder_rows: how many rows the contexts below the longest are tried on.
        stretch: characters of the longest continuation that is followed by place.
        room: characters that the model's window holds.
    """
    before = [row["completion_span"][0] - starts[_chapter(row)] for row in rows]
    longest = _longest(rows, before, contexts, room)
    whole = _after_chapter_so_far(rows, novels, starts, longest)
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
        stretches=_stretches(rows, novels, stretch, room),
    )


def held_out_rows(rows: Sequence[dict], count: int | None) -> list[dict]:
    """The rows to measure: all, or about `count` of them, the first so many of each chapter, so that each counts."""
    if count is None or len(rows) <= count:
        return list(rows)
    chapters = [list(group) for _, group in groupby(rows, _chapter)]
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


def _chapter(row: dict) -> Chapter:
    return row["novel"], row["chapter"]


def _longest(rows: Sequence[dict], before: list[int], contexts: Sequence[int], room: float) -> int:
    """The longest of the contexts that the model's window holds twice, beside a continuation, and that enough rows have before them."""
    wanted = min(2, len(set(map(_chapter, rows))))
    beside = max(len(row["output"]) for row in rows)
    for length in sorted(contexts, reverse=True):
        having = [row for row, found in zip(rows, before, strict=True) if found >= length]
        if (
            2 * length + beside <= room
            and len(having) >= _ENOUGH * len(rows)
            and len(set(map(_chapter, having))) >= wanted
        ):
            return length
    return 0


def _after_chapter_so_far(
    rows: Sequence[dict], novels: dict[str, str], starts: dict[Chapter, int], longest: int
) -> list[Reading]:
    """Every row after its chapter so far; where that grows beyond twice the longest context, its beginning is left out at a sentence."""
    readings = []
    for chapter, group in groupby(rows, _chapter):
        text, begin = novels[chapter[0]], starts[chapter]
        for row in group:
            start = row["completion_span"][0]
            if start - begin > 2 * longest:
                *_, sentence, _ = bounds(text, begin, start - longest)
                begin = max(sentence, start - 2 * longest)
            # At its opening a chapter has its heading before it.
            context = row["input"] if start == starts[chapter] else text[begin:start]
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
    rows: Sequence[dict], novels: dict[str, str], longest: int, room: float
) -> list[Reading]:
    """Continuations cut to the one length at which most text is measured.

    Of the rows that follow each other one is the prompt, and the continuation goes on to the last of them.
    """
    found = []
    for run in _runs(rows):
        text, end = novels[run[0]["novel"]], run[-1]["completion_span"][1]
        at = 0
        for row in run:
            start, middle = row["completion_span"]
            length = int(min(longest, room - (middle - start), end - middle))
            if start >= at and length > 0:
                at = middle + length
                found.append(Reading(_chapter(row), text[start:middle], text[middle:at]))
    lengths = [len(item.completion) for item in found]
    best = max(
        lengths,
        key=lambda length: (length * sum(other >= length for other in lengths), length),
        default=0,
    )
    return [
        Reading(item.chapter, item.context, item.completion[:best])
        for item in found
        if len(item.completion) >= best
    ]


def _runs(rows: Sequence[dict]) -> list[list[dict]]:
    """Rows that follow each other without a gap."""
    runs: list[list[dict]] = []
    for row in rows:
        follows = (
            runs
            and _chapter(runs[-1][-1]) == _chapter(row)
            and runs[-1][-1]["completion_span"][1] == row["completion_span"][0]
        )
        if follows:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs
