"""Chunks: whole sentences of one chapter, as equal in size as the budget allows."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

from xuxie.text import sentences

Span = tuple[int, int]

_CLAUSE = re.compile(r"[^，；：、,;:\n]*+[，；：、,;:\n]*")


# The cost of each passage between neighbouring offsets.
Cost = Callable[[str, list[int]], list[int]]


def characters(text: str, bounds: list[int]) -> list[int]:
    """The cost of passages in characters."""
    return [end - start for start, end in pairwise(bounds)]


def chunks(text: str, start: int, end: int, budget: int, cost: Cost = characters) -> list[Span]:
    """Cut `text[start:end]` into chunks of whole sentences, each within the budget.

    Args:
        budget: the most that a chunk may cost.
        cost: what passages of the text cost: their characters, or their tokens.

    Returns:
        spans that follow each other and cover the range, as few as possible and about equal. A
        sentence that costs more than the budget is cut between clauses, a longer clause anywhere.
    """
    bounds = sentences.bounds(text, start, end)
    costs = cost(text, bounds)
    if max(costs, default=0) > budget:
        bounds = affordable(text, bounds, costs, budget, cost)
        costs = cost(text, bounds)
    cuts = balanced_cuts(list(accumulate(costs)), budget)
    return list(pairwise([start, *[bounds[cut + 1] for cut in cuts]]))


def balanced_cuts(ends: Sequence[int], budget: int) -> list[int]:
    """Choose where to cut a row of items so that as few pieces as possible hold them all.

    Args:
        ends: the cost of all items up to and including each, ascending.
        budget: what a piece may cost; a single item that costs more is a piece of its own.

    Returns:
        the index of each piece's last item. A cut lies as near to the equal share of what is left
        as the budget permits, so that the last piece is not a tiny rest.
    """
    if not ends:
        return []
    # From the back: the first item from which the rest fits into no pieces, one, two ...
    earliest = [len(ends)]
    while earliest[-1] > 0:
        last = earliest[-1] - 1
        fitting = bisect_left(ends, ends[last] - budget, 0, last) + 1 if ends[last] > budget else 0
        earliest.append(min(fitting, last))
    cuts, first, spent = [], 0, 0
    for pieces_left in range(len(earliest) - 1, 1, -1):
        lowest = max(earliest[pieces_left - 1], first + 1)
        highest = max(
            min(bisect_right(ends, spent + budget, first), len(ends) - pieces_left + 1), lowest
        )
        share = spent + (ends[-1] - spent) / pieces_left
        above = bisect_left(ends, share, first)
        nearest = (
            above + 1 if above == first or ends[above] - share < share - ends[above - 1] else above
        )
        first = min(max(nearest, lowest), highest)
        spent = ends[first - 1]
        cuts.append(first - 1)
    return [*cuts, len(ends) - 1]


def affordable(
    text: str, bounds: list[int], costs: list[int], budget: int, cost: Cost
) -> list[int]:
    """Cut sentences beyond the budget into their clauses, and clauses beyond it into even parts."""
    finer = bounds[:1]
    for (start, end), price in zip(pairwise(bounds), costs, strict=True):
        if price > budget:
            finer += _parts(text, start, end, budget, cost)
        else:
            finer.append(end)
    return finer


def _parts(text: str, start: int, end: int, budget: int, cost: Cost) -> Iterator[int]:
    """Where the parts of a sentence end."""
    clauses = [
        start,
        *(start + match.end() for match in _CLAUSE.finditer(text[start:end]) if match.group()),
    ]
    for (first, last), price in zip(pairwise(clauses), cost(text, clauses), strict=True):
        count = min(-(-price // budget), last - first)
        yield from (first + (last - first) * part // count for part in range(1, count + 1))
