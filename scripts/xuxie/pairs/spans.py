"""Which pairs of adjacent spans a chunk offers, and the schema an LLM answers in to choose among them.

The LLM points, it does not copy: it sees numbered sentences and returns numbers, so nothing can be
invented into the training text and every pair keeps its place in the novel.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby, pairwise
from typing import Annotated, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

from xuxie.errors import UserError
from xuxie.pairs.passage import slot
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
        """The class of an entry of `pairs.lengths`.

        Raises:
            UserError: a lower bound is above its upper one.
        """
        for key, bounds in settings.items():
            if isinstance(bounds, list) and bounds[0] > bounds[1]:
                raise UserError(
                    f"{bounds} admits nothing",
                    where=f"pairs.lengths, {settings['name']}: {key}",
                    remedy="put the smaller one first",
                )
        return cls(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in settings.items()
            }
        )


@dataclass(frozen=True)
class Sentences:
    """A chunk's sentences, which follow each other without a gap.

    Attributes:
        edges: where each sentence begins and, last, where the chunk ends.
        tokens: the tokens before each edge; None where nothing is counted in tokens.
        scenes: the number of the scene that each sentence belongs to. A blank line ends a scene.
    """

    edges: Sequence[int]
    tokens: Sequence[int] | None
    scenes: Sequence[int]

    @classmethod
    def of(cls, text: str, cost: Cost | None = None) -> "Sentences":
        """The sentences of a chunk's text, with their tokens if a cost function is given."""
        edges = sentence_bounds(text, 0, len(text))
        ends = [
            "\n\n" in text[len(text[start:end].rstrip()) + start : end]
            for start, end in pairwise(edges)
        ]
        tokens = list(accumulate(cost(text, edges), initial=0)) if cost else None
        return cls(edges, tokens, list(accumulate(ends[:-1], initial=0)))

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
    """Every way to lay a pair of this length class into a chunk's sentences.

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
        if length.tokens:
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


class Choice(BaseModel):
    """One pair as an LLM chooses it; sentence numbers count from 1 within the chunk."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=60)
    prompt_first: int
    completion_first: int
    completion_last: int


def free_schema(slots: list[list[Cut]]) -> type[BaseModel]:
    """The answer for a chunk with one choice a slot: the same schema for every chunk, so that a provider compiles it once."""
    return _choices_model(len(slots))


@cache
def _choices_model(count: int) -> type[BaseModel]:
    return create_model(
        "Pairs",
        __config__=ConfigDict(extra="forbid"),
        **{slot(i): (Choice, ...) for i in range(count)},
    )


def bounded_schema(slots: list[list[Cut]]) -> type[BaseModel]:
    """The same answer, with every impossible number excluded while decoding: for small models that would guess."""
    fields = {}
    for index, options in enumerate(slots):
        variants = tuple(
            create_model(
                f"Pair{index + 1}At{cut.completion_first}",
                __base__=Choice,
                prompt_first=(Literal[cut.prompt_firsts], ...),
                completion_first=(Literal[cut.completion_first], ...),
                completion_last=(Literal[cut.completion_lasts], ...),
            )
            for cut in options
        )
        fields[slot(index)] = (Annotated[Union[variants], Field()], ...)
    return create_model("Pairs", __config__=ConfigDict(extra="forbid"), **fields)


def choices(answer: BaseModel, slots: list[list[Cut]]) -> list[Choice]:
    """The chosen pairs of an answer, in slot order. Where a cut leaves one end no choice, the answer's own number is not looked at."""
    return [_settled(getattr(answer, slot(index)), options) for index, options in enumerate(slots)]


def check_choices(answer: BaseModel, slots: list[list[Cut]]) -> None:
    """Reject an answer whose numbers don't name possible pairs.

    Raises:
        ValueError: "<name of the failure>: <slot, number and what was possible>".
    """
    for index, (choice, options) in enumerate(zip(choices(answer, slots), slots, strict=True)):
        cut = _cut_of(choice, options)
        _check(index, "completion_first", choice, [option.completion_first for option in options])
        _check(index, "prompt_first", choice, cut.prompt_firsts)
        _check(index, "completion_last", choice, cut.completion_lasts)


def _check(index: int, end: str, choice: Choice, possible: Sequence[int]) -> None:
    number = getattr(choice, end)
    if number not in possible:
        raise ValueError(
            f"spans out of range: {slot(index)}: {end} {number} is not one of {', '.join(map(str, possible))}"
        )


def _settled(choice: Choice, options: list[Cut]) -> Choice:
    cut = _cut_of(choice, options)
    settled = {
        end: possible[0]
        for end, possible in (
            ("prompt_first", cut.prompt_firsts),
            ("completion_last", cut.completion_lasts),
        )
        if len(possible) == 1
    }
    return choice.model_copy(update=settled)


def _cut_of(choice: Choice, options: list[Cut]) -> Cut:
    """The cut that a choice names; none that anything suits if it names no possible one."""
    return next(
        (cut for cut in options if cut.completion_first == choice.completion_first),
        Cut(choice.completion_first, (), ()),
    )
