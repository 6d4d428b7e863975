"""How far two scorers agree on which pairs are better."""

from collections.abc import Sequence
from itertools import combinations
from statistics import StatisticsError, correlation


def agreement(scores: dict[str, dict[str, float | None]]) -> list[dict]:
    """Spearman's and Kendall's rank correlation of every two scorers, over the pairs that both have scored.

    Args:
        scores: by scorer, by pair.

    Returns:
        An entry for every two: `scorers`, `pairs` (how many), `spearman` and `kendall`. 1 is the same order, 0 none in common,
        -1 the opposite; None where a scorer gives all pairs the same, or there are fewer than two.
    """
    return [
        _of_two(one, other, scores[one], scores[other]) for one, other in combinations(scores, 2)
    ]


def _of_two(
    one: str, other: str, ones: dict[str, float | None], others: dict[str, float | None]
) -> dict:
    both = [
        (ones[pair], others[pair])
        for pair in ones
        if ones[pair] is not None and others.get(pair) is not None
    ]
    left, right = [value for value, _ in both], [value for _, value in both]
    return {
        "scorers": [one, other],
        "pairs": len(both),
        "spearman": spearman(left, right),
        "kendall": kendall(left, right),
    }


def spearman(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Pearson's correlation of the ranks; equal values share the mean of their ranks."""
    try:
        return round(correlation(_ranks(left), _ranks(right)), 4)
    except StatisticsError:
        return None


def kendall(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Kendall's tau-b: of all two pairs, how many more are in the same order than in the opposite one, corrected for ties.

    By counting, in quadratic time; of more than 2,000 pairs, every n-th ones are taken.
    """
    step = -(-len(left) // 2000) or 1
    points = list(zip(left[::step], right[::step], strict=True))
    signs = [(_sign(a - c), _sign(b - d)) for (a, b), (c, d) in combinations(points, 2)]
    untied_left, untied_right = (
        sum(one != 0 for one, _ in signs),
        sum(other != 0 for _, other in signs),
    )
    if not untied_left or not untied_right:
        return None
    return round(sum(one * other for one, other in signs) / (untied_left * untied_right) ** 0.5, 4)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    first = 0
    for last, index in enumerate(order):
        if last + 1 == len(order) or values[order[last + 1]] != values[index]:
            for tied in order[first : last + 1]:
                ranks[tied] = (first + last) / 2
            first = last + 1
    return ranks


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
