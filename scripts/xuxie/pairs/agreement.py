"""How far two scorers agree on which pairs are better."""

import math
from itertools import combinations


def agreement(scores: dict[str, dict[str, float | None]]) -> list[dict]:
    """Spearman's and Kendall's rank correlation (tau-b) of each two scorers, over the pairs that both have scored.

    Args:
        scores: by scorer, by pair.

    Returns:
        An entry for each two: `scorers`, `pairs` (how many), `spearman` and `kendall`. 1 is the same order, 0 none in common,
        -1 the opposite; None where a scorer gives all pairs the same, or there are fewer than two.
    """
    return [
        _of_two(one, other, scores[one], scores[other]) for one, other in combinations(scores, 2)
    ]


def _of_two(
    one: str, other: str, ones: dict[str, float | None], others: dict[str, float | None]
) -> dict:
    from scipy.stats import kendalltau, spearmanr  # half a second, for runs that have two scorers

    both = [
        (ones[pair], others[pair])
        for pair in ones
        if ones[pair] is not None and others.get(pair) is not None
    ]
    left, right = [value for value, _ in both], [value for _, value in both]
    ordered = len(set(left)) > 1 and len(set(right)) > 1
    return {
        "scorers": [one, other],
        "pairs": len(both),
        "spearman": _rounded(spearmanr(left, right)) if ordered else None,
        "kendall": _rounded(kendalltau(left, right)) if ordered else None,
    }


def _rounded(correlation) -> float | None:
    value = float(correlation.statistic)
    return None if math.isnan(value) else round(value, 4)
