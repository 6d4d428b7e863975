"""How sure a number is: bootstrap intervals over chapters.

Passages of one chapter share people, place and mood, so chapters, not rows, are drawn anew.
"""

from collections.abc import Hashable, Sequence

import numpy as np

_DRAWS = 2000
# Drawn from three chapters there are ten different samples: that is not an interval.
_CLUSTERS = 5


def interval_of_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    chapters: Sequence[Hashable],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict:
    """Sum of numerators over sum of denominators, with a percentile bootstrap interval.

    Args:
        numerators, denominators: one value a row (bits and characters, hits and attempts, differences and ones).
        chapters: the chapter of each row. With fewer than five, rows are drawn instead, which flatters
            the interval: `over` says so.

    Returns:
        value (null if the denominators are all zero), low and high (null if there are fewer than two units), over ("chapter"
        or "row"), units (how many of those there are).
    """
    rows = [row for row in zip(numerators, denominators, chapters, strict=True) if row[1]]
    names = list(dict.fromkeys(chapter for _, _, chapter in rows))
    over = "chapter" if len(names) >= _CLUSTERS else "row"
    place = {name: index for index, name in enumerate(names)}
    unit = (
        [place[chapter] for _, _, chapter in rows] if over == "chapter" else list(range(len(rows)))
    )
    tops, bottoms = (np.bincount(unit, [row[part] for row in rows]) for part in (0, 1))
    result = {
        "value": float(tops.sum() / bottoms.sum()) if rows else None,
        "low": None,
        "high": None,
        "over": over,
        "units": len(tops),
    }
    if len(tops) > 1:
        drawn = np.random.default_rng(seed).integers(len(tops), size=(_DRAWS, len(tops)))
        ratios = tops[drawn].sum(axis=1) / bottoms[drawn].sum(axis=1)
        tail = (1 - confidence) / 2
        result["low"], result["high"] = np.quantile(ratios, [tail, 1 - tail]).tolist()
    return result


def interval_of_mean(
    values: Sequence[float],
    chapters: Sequence[Hashable],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict:
    """Mean of one value a row, with its interval; the same fields as `interval_of_ratio`."""
    return interval_of_ratio(values, [1] * len(values), chapters, seed=seed, confidence=confidence)
