"""How well a scorer tells true pairs from pairs whose completion was swapped for another."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def auc(true: Sequence[float], swapped: Sequence[float]) -> float | None:
    """Area under the ROC curve: the chance that a true pair scores above a swapped one, ties counted half.

    The Mann–Whitney statistic over |true| × |swapped|. None if either side is empty.
    """
    if not true or not swapped:
        return None
    ordered = sorted(swapped)
    wins = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in true)
    return wins / (2 * len(true) * len(ordered))


def percentile_score(value: float, swapped: Sequence[float]) -> float:
    """A value on the scale from 0 to 10: the share of swapped pairs that it beats, ties counted half, times ten.

    `swapped` must be sorted.
    """
    return round(
        10 * (bisect_left(swapped, value) + bisect_right(swapped, value)) / (2 * len(swapped)), 2
    )
