"""How well a scorer tells true pairs from negatives: mismatched pairs of prompt and completion."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

TRUSTED_AUC = 0.8
"""A scorer whose AUC is below this is called doubtful, in the log and in the report."""


def auc(true: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Area under the ROC curve: the chance that a true pair scores above a negative, ties counted half.

    The Mann–Whitney statistic over |true| × |negatives|. None if either side is empty.
    """
    if not true or not negatives:
        return None
    ordered = sorted(negatives)
    wins = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in true)
    return wins / (2 * len(true) * len(ordered))


def percentile_score(value: float, negatives: Sequence[float]) -> float:
    """A value on the scale from 0 to 10: the share of negatives that it beats, ties counted half, times ten.

    `negatives` must be sorted.
    """
    return round(
        10
        * (bisect_left(negatives, value) + bisect_right(negatives, value))
        / (2 * len(negatives)),
        2,
    )
