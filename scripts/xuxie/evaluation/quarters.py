"""Whether a long continuation holds: each of its quarters, and the later ones against the first.

The change is relative to the first quarter, of the same texts, with an interval over chapters. A quarter holds where the interval
lies within `MARGIN` of the first, and breaks where it lies beyond: whatever is between cannot be told from so few texts. An
interval that merely holds zero would let the smallest run look the soundest. Where there is surely less of something bad than in
the author's own quarter it holds whatever it was at first: next to nothing can triple and remain next to nothing.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from xuxie.evaluation.intervals import (
    FEWEST_CHAPTERS,
    interval_of_estimates,
    interval_of_ratio,
    widened,
)

MARGIN = 0.1
"""By so much of the first quarter's value a later one may be worse."""

HOLDS, BREAKS, UNCLEAR = "holds", "breaks", "unclear"

Amounts = Sequence[tuple[float, float]]
"""Of each text how much of it, out of how much, in one quarter: repeated 4-grams of all, bits of characters."""


@dataclass(frozen=True)
class Against:
    """What a quarter is held against the first by.

    Attributes:
        more_is_worse: whether a higher value is the worse one.
        author: the author's amounts by quarter, of the same texts, where the value changes in his text as well (the longer a text,
            the more of it stood in it before): then the change beyond his counts.
        over_folds: whether the values were learnt from the other chapters, which makes intervals wider (see `widened`).
    """

    more_is_worse: bool = True
    over_folds: bool = False
    author: Sequence[Amounts] | None = None


def followed(
    quarters: Sequence[Amounts],
    bounds: Sequence[tuple[int, int]],
    chapters: Sequence[Hashable],
    against: Against | None = None,
    interval=interval_of_ratio,
) -> dict:
    """Each quarter's value, and what the later ones come to beside the first.

    Args:
        quarters: the amounts by quarter; the texts are the same ones, in one order.
        chapters: the chapter of each text.
        against: how quarters are compared; None only measures them.
        interval: gives a value its interval, from amounts and chapters.

    Returns:
        quarters: of each start, end, its value with interval, and of the later ones `change` (relative to the first, with interval;
        null where the first is zero) and `state` ("holds", "breaks", "unclear"); `state` of the last; `holds_to`: where the last
        quarter ends before which all hold; `breaks_at`: where the first one begins that breaks, or null.
    """
    found: list[dict] = []
    for number, (amounts, (start, end)) in enumerate(zip(quarters, bounds, strict=True)):
        parts, wholes = zip(*amounts, strict=True) if amounts else ((), ())
        quarter = {"start": start, "end": end, **interval(parts, wholes, chapters)}
        if number and against:
            quarter |= _beside_first(quarters[0], amounts, number, chapters, against)
        found.append(quarter)
    return {"quarters": found, **(_summary(found) if against else {})}


def state_of(change: dict, *, more_is_worse: bool = True) -> str:
    """What a relative change, with its interval, says of a quarter."""
    if change["low"] is None or change["chapters"] < FEWEST_CHAPTERS:
        return UNCLEAR
    least, most = (
        (change["low"], change["high"]) if more_is_worse else (-change["high"], -change["low"])
    )
    return HOLDS if most <= MARGIN else BREAKS if least > MARGIN else UNCLEAR


def _beside_first(
    first: Amounts, later: Amounts, number: int, chapters: Sequence[Hashable], against: Against
) -> dict:
    tables = [_by_chapter(first, chapters), _by_chapter(later, chapters)]
    if against.author:
        tables += [_by_chapter(against.author[at], chapters) for at in (0, number)]
    count = tables[0].shape[1]
    whole = _change([table.sum(axis=1) for table in tables])
    without = [
        left
        for chapter in range(count)
        if (left := _change([table.sum(axis=1) - table[:, chapter] for table in tables]))
        is not None
    ]
    if whole is not None and len(without) == count:
        found = interval_of_estimates(whole, without)
        if against.over_folds:
            found = widened(found)
        state = state_of(found, more_is_worse=against.more_is_worse)
    else:
        found, state = None, _from_nothing(first, later, chapters, against)
    if against.author and _surely_worse(later, against.author[number], chapters, against):
        state = HOLDS
    return {"change": found, "state": state}


def _from_nothing(
    first: Amounts, later: Amounts, chapters: Sequence[Hashable], against: Against
) -> str:
    """The state where the first quarter has none of it, so that nothing can be relative to it."""
    if len(set(chapters)) < FEWEST_CHAPTERS:
        return UNCLEAR
    if not any(part for part, _ in [*first, *later]):
        return HOLDS
    return BREAKS if _surely_worse(first, later, chapters, against) else UNCLEAR


def _surely_worse(
    ones: Amounts, others: Amounts, chapters: Sequence[Hashable], against: Against
) -> bool:
    """Whether the others, text by text, are surely the worse ones."""
    before, after = (
        [part / whole if whole else 0.0 for part, whole in side] for side in (ones, others)
    )
    difference = [new - old for old, new in zip(before, after, strict=True)]
    found = interval_of_ratio(difference, [1] * len(difference), chapters)
    if found["low"] is None or found["chapters"] < FEWEST_CHAPTERS:
        return False
    return found["low"] > 0 if against.more_is_worse else found["high"] < 0


def _by_chapter(amounts: Amounts, chapters: Sequence[Hashable]) -> np.ndarray:
    """Part and whole by chapter, shape (2, chapters)."""
    place = {name: index for index, name in enumerate(dict.fromkeys(chapters))}
    table = np.zeros((2, len(place)))
    for amount, chapter in zip(amounts, chapters, strict=True):
        table[:, place[chapter]] += amount
    return table


def _change(sums: list[np.ndarray]) -> float | None:
    """(later − first) / first of the ratios; beyond the author's, where his sums follow."""
    if any(whole == 0 for _, whole in sums):
        return None
    first, later, *author = (float(part / whole) for part, whole in sums)
    if first == 0:
        return None
    rise = later - first - (author[1] - author[0] if author else 0.0)
    return rise / first


def _summary(quarters: list[dict]) -> dict:
    holds_to = quarters[0]["end"]
    for quarter in quarters[1:]:
        if quarter["state"] != HOLDS:
            break
        holds_to = quarter["end"]
    broken = (quarter["start"] for quarter in quarters[1:] if quarter["state"] == BREAKS)
    return {"state": quarters[-1]["state"], "holds_to": holds_to, "breaks_at": next(broken, None)}
