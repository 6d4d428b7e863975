"""Which held-out passages are continued, and how the author himself goes on from there."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from statistics import median

from xuxie.files.novel_text import Chapter, chapter_of
from xuxie.prompts.told import instruction_alone
from xuxie.sampling.spread import evenly_spread
from xuxie.text.sentences import bounds

Spans = Mapping[Chapter, tuple[int, int]]
"""Where each chapter begins and ends in its novel's text, by novel and number."""


def choose_prompts(rows: Sequence[dict], count: int, target_chars: int, spans: Spans) -> list[dict]:
    """At most `count` rows, spread evenly; where the continuations are to be long, of those with so much of their chapter left.

    Where fewer rows than that have it, those with most of their chapter left.

    Args:
        rows: of the test split, by chapter and place.
        target_chars: how long the continuations are to become; 0 for one answer each.
    """

    def left(row: dict) -> int:
        return spans[chapter_of(row)][1] - row["completion_span"][0]

    roomy = [row for row in rows if left(row) >= target_chars]
    if len(roomy) < count:
        least = sorted(map(left, rows), reverse=True)[: min(count, len(rows))][-1]
        roomy = [row for row in rows if left(row) >= least]
    return evenly_spread(roomy, count)


def true_continuation(row: dict, target_chars: int, novels: Mapping[str, str], spans: Spans) -> str:
    """What the author wrote after a row's prompt: the row's completion, or whole sentences of `target_chars` and more where that is longer.

    It ends with the chapter, whatever is asked for: the next one may have been trained on.
    """
    text, (start, end) = novels[row["novel"]], row["completion_span"]
    chapter_end = spans[chapter_of(row)][1]
    if start + target_chars <= end:
        return row["output"]
    edges = bounds(text, start, chapter_end)
    return text[start : next((e for e in edges if e >= start + target_chars), chapter_end)].rstrip()


def watched_prompts(rows: Sequence[dict], texts: Sequence[dict], count: int) -> list[dict]:
    """About `count` prompts with the author's continuation: rows of the val split, or where it has fewer, passages of their size from all over it.

    What a row is told of the story stands in its instruction already, and nothing is told beside it. A passage is told nothing.

    Args:
        rows: of the val split; at least one.
        texts: `{novel, chapter, text}` of each of its chapters.
    """
    alone = instruction_alone(rows[0])
    like = {**rows[0], "instruction": alone, "state": "", "outline": "", "history": []}
    rows = [{**row, "state": ""} for row in rows]
    if len(rows) >= count:
        return evenly_spread(rows, count)
    before, after = (
        int(median(len(row[column]) for row in rows)) for column in ("input", "output")
    )
    of_each = -(-count // len(texts))
    found = [
        passage
        for chapter in texts
        for passage in evenly_spread(_passages(like, chapter, before, after), of_each)
    ]
    return found or rows


def _passages(row: dict, chapter: dict, before: int, after: int) -> list[dict]:
    """Every place between sentences of a chapter with so many characters before and behind it, worded as a row is."""
    text, found = chapter["text"], []
    edges = bounds(text, 0, len(text))
    for edge in edges:
        begin = edges[bisect_left(edges, edge - before)]
        ending = bisect_left(edges, edge + after)
        if edge < before or begin == edge or ending == len(edges):
            continue
        passage = {
            "id": f"{chapter['novel']}-{chapter['chapter']}-{edge}",
            "input": text[begin:edge].rstrip(),
            "output": text[edge : edges[ending]].rstrip(),
        }
        found.append({**row, **chapter, **passage})
    return found
