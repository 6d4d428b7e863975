"""Passages: a completion and the text before it, before they are made into a row."""

import random
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from xuxie.dataset.stretches import Usable, without
from xuxie.dataset.tiling import Size, size_of, tile
from xuxie.pairs.ranking import best_first

Span = tuple[int, int]

STRUCTURE = "structure"
"""Who cut a completion that no LLM chose."""


def disjoint(pairs: Iterable[dict]) -> tuple[list[dict], list[dict]]:
    """Pairs whose completions share no character, the better scored of two that do, and those that had to go, best first."""
    taken: list[dict] = []
    left: list[dict] = []
    for pair in best_first(pairs):
        start, end = pair["completion_span"]
        apart = all(
            end <= other["completion_span"][0] or other["completion_span"][1] <= start
            for other in taken
        )
        (taken if apart else left).append(pair)
    return taken, left


def from_pair(pair: dict, cut_by: str | None, *, own_prompt: bool) -> dict:
    """The tile, or the whole passage, that a pair is.

    Args:
        cut_by: the endpoint that chose it.
        own_prompt: whether it keeps its own prompt.
    """
    keys: tuple[str, ...] = ("id", "novel", "chapter", "length", "completion", "completion_span")
    if own_prompt:
        keys += ("prompt", "prompt_span")
    return {**{key: pair[key] for key in keys}, "cut_by": cut_by}


def from_structure(
    text: str,
    novel: str,
    chapter: int,
    stretch: Span,
    taken: Iterable[Span],
    sizes: Sequence[Size],
    seed: int,
) -> Iterator[dict]:
    """The tiles that cover a stretch of a chapter, except what others have cut already.

    Args:
        taken: the completions of these others.
        seed: of the draws; what lies between two taken spans has its own, so that one does not depend on the other.
    """
    for start, end in without(stretch, taken):
        draw = random.Random(f"{seed} {novel} {start}")
        for first, last in tile(text, start, end, sizes, draw):
            yield {
                "id": f"{novel}-{first}",
                "novel": novel,
                "chapter": chapter,
                "length": size_of(last - first, sizes),
                "cut_by": STRUCTURE,
                "completion": text[first:last],
                "completion_span": [first, last],
            }


def without_overlap(
    tiles: Sequence[dict],
    text: str,
    usable: Usable,
    heading: str,
    reaches: Sequence[int],
    seed: int,
) -> tuple[list[dict], list[dict]]:
    """Passages that follow each other and share no text: every second stretch of tiles is a prompt, and the tile after it its completion.

    Args:
        tiles: of one chapter, in order, without prompts.
        usable: the chapter.
        heading: what stands in place of a prompt where a stretch is a single tile.
        reaches: lengths of prompts in characters, one drawn by seed for each; a tile of a pair ends a prompt sooner.

    Returns:
        the passages, and the tiles that stand in prompts.
    """
    passages: list[dict] = []
    shown: list[dict] = []
    for stretch in usable.stretches:
        left = [tile for tile in tiles if stretch[0] <= tile["completion_span"][0] < stretch[1]]
        if len(left) == 1:
            passages.append(with_prompt(left.pop(), text, usable, heading, reaches, seed))
        while left:
            first = left[0]["completion_span"][0]
            reach = random.Random(f"{seed} {left[0]['id']} prompt").choice(reaches)
            place = _completion_after(left, first + reach)
            start = left[place]["completion_span"][0]
            passages.append(
                {**left[place], "prompt": text[first:start], "prompt_span": [first, start]}
            )
            shown += left[:place]
            left = left[place + 1 :]
    return passages, shown


def _completion_after(tiles: Sequence[dict], reached: int) -> int:
    """Which of the tiles is the completion: the first beyond reach or of a pair that leaves none or at least two behind it."""
    last = len(tiles) - 1
    for place in range(1, last - 1):
        if tiles[place]["completion_span"][0] >= reached or tiles[place]["cut_by"] != STRUCTURE:
            return place
    return last


def with_prompt(
    tile: dict, text: str, usable: Usable, opening: str, reaches: Sequence[int], seed: int
) -> dict:
    """A tile with the text before it; one that has a prompt already as it is.

    Args:
        usable: the tile's chapter.
        opening: what stands in place of a prompt where the chapter begins.
        reaches: lengths of prompts in characters, one drawn by seed.
    """
    if "prompt" in tile:
        return tile
    start, end = tile["completion_span"]
    reach = random.Random(f"{seed} {tile['id']} prompt").choice(reaches)
    # Where something around the tile was left out since, nothing of it may be a prompt.
    stretch = usable.stretch_of(start, end) or (start, end)
    first = prompt_start(usable, stretch, start, reach)
    prompt = opening if start == usable.edges[0] else text[first:start]
    return {**tile, "prompt": prompt, "prompt_span": [first, start]}


def prompt_start(usable: Usable, stretch: Span, completion: int, reach: int) -> int:
    """Where the prompt of a completion begins: at the first sentence of its stretch that is within reach, or at the last before it."""
    edges = usable.edges
    before = bisect_left(edges, completion)
    first = bisect_left(edges, max(stretch[0], completion - reach), 0, before)
    if first == before and before and edges[before - 1] >= stretch[0]:
        first = before - 1
    return edges[first] if first < before else completion
