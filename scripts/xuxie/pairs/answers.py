"""The form in which an LLM chooses pairs: schemas to answer in, and what an answer says.

The LLM points, it does not copy: it sees numbered sentences and returns numbers, so nothing can be invented into the training
text and every pair keeps its place in the novel. In mode `span` it says where prompt and completion begin and end, and why; in
mode `cut` where the completion begins, and nothing else: the ends are settled beforehand.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

from xuxie.pairs.passage import slot
from xuxie.pairs.spans import Cut

Slots = Sequence[Sequence[Cut]]
"""For each pair that is asked for, the cuts to choose from."""


class Choice(BaseModel):
    """One pair as an LLM chooses it in mode `span`; sentence numbers count from 1 within the chunk."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=60)
    prompt_first: int
    completion_first: int
    completion_last: int


class Chosen(NamedTuple):
    """A pair by the numbers of its sentences, with the generator's reason if it was asked for one."""

    prompt_first: int
    completion_first: int
    completion_last: int
    why: str | None


def free_schema(slots: Slots, mode: str) -> type[BaseModel]:
    """The answer for a chunk with one choice for each slot: the same schema for every chunk, so that a provider compiles it once."""
    return _schema_of(mode, len(slots))


@cache
def _schema_of(mode: str, count: int) -> type[BaseModel]:
    return _answer([int if mode == "cut" else Choice] * count)


def bounded_schema(slots: Slots, mode: str) -> type[BaseModel]:
    """The same answer, with impossible numbers excluded while decoding: for small models, which would guess."""
    if mode == "cut":
        return _answer(Literal[tuple(cut.completion_first for cut in cuts)] for cuts in slots)
    return _answer(
        Annotated[Union[tuple(_variant(index, cut) for cut in cuts)], Field()]
        for index, cuts in enumerate(slots)
    )


def _variant(index: int, cut: Cut) -> type[Choice]:
    return create_model(
        f"Pair{index + 1}At{cut.completion_first}",
        __base__=Choice,
        prompt_first=(Literal[cut.prompt_firsts], ...),
        completion_first=(Literal[cut.completion_first], ...),
        completion_last=(Literal[cut.completion_lasts], ...),
    )


def _answer(types: Iterable) -> type[BaseModel]:
    fields: dict[str, Any] = {slot(index): (kind, ...) for index, kind in enumerate(types)}
    return create_model("Pairs", __config__=ConfigDict(extra="forbid"), **fields)


def chosen(answer: BaseModel, slots: Slots) -> list[Chosen | None]:
    """The chosen pairs of an answer, in slot order; None where it has none.

    Where a cut leaves one end no choice, the answer's own number is not looked at.

    Raises:
        ValueError: the answer's numbers don't name possible pairs: "<name of the failure>: <slot, number and what was possible>".
    """
    choices = [getattr(answer, slot(index), None) for index in range(len(slots))]
    return [
        None if choice is None else _chosen(slot(index), choice, cuts)
        for index, (choice, cuts) in enumerate(zip(choices, slots, strict=True))
    ]


def _chosen(name: str, choice: Choice | int, cuts: Sequence[Cut]) -> Chosen:
    at = choice if isinstance(choice, int) else choice.completion_first
    cut = next((cut for cut in cuts if cut.completion_first == at), None)
    if cut is None:
        _reject(name, "completion_first", at, [cut.completion_first for cut in cuts])
    ends = [
        _end(name, end, possible, choice)
        for end, possible in (
            ("prompt_first", cut.prompt_firsts),
            ("completion_last", cut.completion_lasts),
        )
    ]
    return Chosen(ends[0], at, ends[1], None if isinstance(choice, int) else choice.why)


def _end(name: str, end: str, possible: Sequence[int], choice: Choice | int) -> int:
    if len(possible) == 1:
        return possible[0]
    number = getattr(choice, end)
    return number if number in possible else _reject(name, end, number, possible)


def _reject(name: str, end: str, number: int, possible: Sequence[int]) -> NoReturn:
    raise ValueError(
        f"spans out of range: {name}: {end} {number} is not one of {', '.join(map(str, possible))}"
    )
