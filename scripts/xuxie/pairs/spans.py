"""Which pairs of adjacent spans a chunk offers: runs of whole sentences within the bounds of a length class."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise
from typing import Any

from xuxie.text.chunks import Cost
from xuxie.text.sentences import bounds as sentence_bounds


@dataclass(frozen=True)
class LengthClass:
    """A size of pair that the recipe asks for; bounds are inclusive.

    Attributes:
        share: how often it is drawn, relative to the other sizes.
        prompt, completion: characters.
        prompt_share: the prompt's share of the pair's characters.
        tokens: prompt and completion together, counted sentence by sentence; None for any number.
        whole_scene: the pair is a scene of the chunk from its first sentence to its last.
    """

    name: str
    share: float
    prompt: tuple[int, int]
    completion: tuple[int, int]
    prompt_share: tuple[float, float] = (0, 1)
    tokens: tuple[int, int] | None = None
    whole_scene: bool = False

    @classmethod
    def from_settings(cls, settings: dict) -> "LengthClass":
        """The class of an entry of `pairs.lengths`."""
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in settings.items()
        }
        return cls(**given)


@dataclass(frozen=True)
class Sentences:
    """A chunk's sentences, which follow each other without a gap.

    Attributes:
        edges: where each sentence begins and, last, where the chunk ends.
        tokens: the tokens before each edge; None where nothing is counted in tokens.
        scenes: the number of the scene that each sentence belongs to. A blank line ends a scene.
        paragraphs: whether a paragraph begins or ends at each edge.
    """

    edges: Sequence[int]
    tokens: Sequence[int] | None
    scenes: Sequence[int]
    paragraphs: Sequence[bool]

    @classmethod
    def of(cls, text: str, cost: Cost | None = None) -> "Sentences":
        """The sentences of a chunk's text, with their tokens if a cost function is given."""
        edges = sentence_bounds(text, 0, len(text))
        breaks = [
            text[len(text[start:end].rstrip()) + start : end].count("\n")
            for start, end in pairwise(edges[:-1])
        ]
        return cls(
            edges,
            tokens=list(accumulate(cost(text, edges), initial=0)) if cost else None,
            scenes=list(accumulate((lines > 1 for lines in breaks), initial=0)),
            paragraphs=[True, *(lines > 0 for lines in breaks), True],
        )

    def __len__(self) -> int:
        return len(self.edges) - 1


@dataclass(frozen=True)
class Cut:
    """A sentence at which the completion may begin, with the other ends that suit it (sentence numbers from 1).

    Any of the first sentences goes with any of the last ones.
    """

    completion_first: int
    prompt_firsts: tuple[int, ...]
    completion_lasts: tuple[int, ...]


def cuts(sentences: Sentences, length: LengthClass) -> list[Cut]:
    """Every way to place a pair of this length class in a chunk's sentences.

    Prompt and completion are adjacent runs of whole sentences. Where a bound holds for both of them together,
    a cut offers the largest block of first and last sentences of which all combinations keep it.
    """
    found = []
    edges = sentences.edges
    for boundary in range(1, len(sentences)):
        edge = edges[boundary]
        firsts = range(
            bisect_left(edges, edge - length.prompt[1], 0, boundary),
            bisect_right(edges, edge - length.prompt[0], 0, boundary),
        )
        ends = range(
            bisect_left(edges, edge + length.completion[0], boundary + 1),
            bisect_right(edges, edge + length.completion[1], boundary + 1),
        )
        if length.whole_scene:
            scene = sentences.scenes[boundary]
            start, end = bisect_left(sentences.scenes, scene), bisect_right(sentences.scenes, scene)
            firsts = range(start, start + 1) if start in firsts else range(0)
            ends = range(end, end + 1) if end in ends else range(0)
        firsts, ends = _largest_block(firsts, ends, edge, sentences, length)
        if firsts and ends:
            found.append(Cut(boundary + 1, tuple(first + 1 for first in firsts), tuple(ends)))
    return found


def _largest_block(
    firsts: range, ends: range, edge: int, sentences: Sentences, length: LengthClass
) -> tuple[range, range]:
    """The most first sentences and ends of which every combination keeps the bounds on the pair as a whole."""
    if length.tokens is None and length.prompt_share == (0, 1):
        return firsts, ends
    edges, tokens = sentences.edges, sentences.tokens
    smallest, largest = length.prompt_share
    # Where ends may lie if a block's longest prompt begins here (earliest, latest), and where if its shortest does (from_here, up_to_here).
    earliest, latest, from_here, up_to_here = {}, {}, {}, {}
    for first in firsts:
        prompt = edge - edges[first]
        earliest[first] = (
            bisect_left(edges, edges[first] + prompt / largest) if largest else len(edges)
        )
        up_to_here[first] = (
            bisect_right(edges, edges[first] + prompt / smallest) if smallest else len(edges)
        )
        from_here[first], latest[first] = 0, len(edges)
        if length.tokens and tokens:
            from_here[first] = bisect_left(tokens, tokens[first] + length.tokens[0])
            latest[first] = bisect_right(tokens, tokens[first] + length.tokens[1])
    best, size = (range(0), range(0)), 0
    for longest in firsts:
        for shortest in range(longest, firsts.stop):
            block = range(
                max(ends.start, earliest[longest], from_here[shortest]),
                min(ends.stop, latest[longest], up_to_here[shortest]),
            )
            # With a shorter prompt too, a block has no more ends.
            if len(block) * (firsts.stop - longest) <= size:
                break
            if len(block) * (shortest + 1 - longest) > size:
                best, size = (
                    (range(longest, shortest + 1), block),
                    len(block) * (shortest + 1 - longest),
                )
    return best


def spread(options: list[Cut], pairs: int, *, whole_scenes: bool = False) -> list[list[Cut]]:
    """Deal the cuts of a chunk out to its pairs, in stretches from front to back; to fewer pairs if there are fewer cuts.

    Args:
        whole_scenes: all cuts of a scene go to one pair.
    """
    units = [
        list(unit)
        for _, unit in groupby(
            options, key=lambda cut: cut.completion_lasts if whole_scenes else cut.completion_first
        )
    ]
    pairs = min(pairs, len(units))
    stretches = [round(index * len(units) / pairs) for index in range(pairs + 1)]
    return [
        [cut for unit in units[start:end] for cut in unit] for start, end in pairwise(stretches)
    ]


def between_paragraphs(options: list[Cut], sentences: Sentences) -> list[Cut]:
    """Those of the cuts that lie between paragraphs; all of them where none does."""
    return [cut for cut in options if sentences.paragraphs[cut.completion_first - 1]] or options


def settled(cut: Cut, sentences: Sentences) -> Cut:
    """The cut with nothing left to choose: its longest prompt, and its longest completion that ends with a paragraph, if one does."""
    ends = [last for last in cut.completion_lasts if sentences.paragraphs[last]]
    return replace(
        cut,
        prompt_firsts=cut.prompt_firsts[:1],
        completion_lasts=tuple(ends[-1:]) or cut.completion_lasts[-1:],
    )
