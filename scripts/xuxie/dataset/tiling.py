"""Tiles: completions that follow each other and cover a stretch of text, each cut where a reader would pause."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from xuxie.text.chunks import affordable, characters
from xuxie.text.pauses import Pause, pause_after
from xuxie.text.sentences import bounds

Span = tuple[int, int]


@dataclass(frozen=True)
class Size:
    """A size of completion that the recipe asks for.

    Attributes:
        share: how often it is drawn, relative to the other sizes.
        characters: fewest and most, inclusive.
    """

    name: str
    share: float
    characters: tuple[int, int]

    @classmethod
    def from_settings(cls, settings: dict) -> "Size":
        """The size of an entry of a dataset's `rows.completions`."""
        return cls(settings["name"], settings["share"], tuple(settings["characters"]))


def tile(
    text: str, start: int, end: int, sizes: Sequence[Size], draw: random.Random
) -> Iterator[Span]:
    """Cut `text[start:end]` into spans that follow each other and cover it.

    Each span gets a size by the sizes' shares, and of all ends of sentences within its bounds the one after which a reader
    pauses longest; of equal ones that nearest to a length drawn between the bounds. What is left at the end is never
    shorter than the shortest size, unless the stretch as a whole is. A sentence beyond the longest size is cut between its clauses.
    """
    shortest = min(size.characters[0] for size in sizes)
    edges = sentence_edges(text, start, end, max(size.characters[1] for size in sizes))
    pauses = [pause_after(text, *sentence) for sentence in pairwise(edges)]
    shares = [size.share for size in sizes]
    first = 0
    while first < len(edges) - 1:
        (size,) = draw.choices(sizes, shares)
        last = _cut(edges, pauses, first, size.characters, draw.uniform(*size.characters), shortest)
        yield edges[first], edges[last]
        first = last


def sentence_edges(text: str, start: int, end: int, longest: int) -> list[int]:
    """Where the first sentence of a stretch begins and where each one ends; the same of clauses within a sentence beyond `longest`."""
    edges = bounds(text, start, end)
    return affordable(text, edges, characters(text, edges), longest, characters)


def size_of(length: int, sizes: Iterable[Size]) -> str:
    """The name of the smallest size that is not shorter than a completion; the largest one's if it is longer than all."""
    by_bound = sorted(sizes, key=lambda size: size.characters[1])
    return next((size.name for size in by_bound if length <= size.characters[1]), by_bound[-1].name)


def _cut(
    edges: list[int],
    pauses: list[Pause],
    first: int,
    bounds: tuple[int, int],
    wanted: float,
    shortest: int,
) -> int:
    """The edge at which a tile that begins at edge `first` ends."""
    start, last = edges[first], len(edges) - 1
    # Beyond this edge too little is left for one more tile.
    latest = bisect_right(edges, edges[-1] - shortest) - 1

    def off(edge: int) -> float:
        return abs(edges[edge] - start - wanted)

    def pause_and_nearness(edge: int) -> tuple[Pause, float]:
        return Pause.SCENE if edge == last else pauses[edge - 1], -off(edge)

    earliest = bisect_left(edges, start + bounds[0], first + 1)
    fitting = list(range(earliest, min(bisect_right(edges, start + bounds[1]) - 1, latest) + 1))
    if bounds[0] <= edges[-1] - start <= bounds[1]:
        fitting.append(last)
    if fitting:
        return max(fitting, key=pause_and_nearness)
    return min([*range(first + 1, latest + 1), last], key=off)
