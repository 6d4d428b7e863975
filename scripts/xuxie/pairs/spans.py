"""Which pairs of adjacent spans a chunk offers, and the schema an LLM answers in to choose among them.

The LLM points, it does not copy: it sees numbered sentences and returns numbers, so nothing can be
invented into the training text and every pair keeps its place in the novel.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model

Span = tuple[int, int]


@dataclass(frozen=True)
class LengthClass:
    """A size of pair that the recipe asks for; bounds are inclusive and in characters."""

    name: str
    share: float
    prompt: tuple[int, int]
    completion: tuple[int, int]

    @classmethod
    def from_settings(cls, settings: dict) -> "LengthClass":
        return cls(settings["name"], settings["share"], tuple(settings["prompt"]), tuple(settings["completion"]))


@dataclass(frozen=True)
class Cut:
    """A sentence at which the completion may begin, with the other ends that suit it (sentence numbers from 1)."""

    completion_first: int
    prompt_firsts: tuple[int, ...]
    completion_lasts: tuple[int, ...]


def cuts(sentences: list[Span], length: LengthClass) -> list[Cut]:
    """Every way to lay a pair of this length class into a chunk's sentences.

    Prompt and completion are adjacent runs of whole sentences.
    """
    found = []
    for boundary in range(1, len(sentences)):
        edge = sentences[boundary][0]
        firsts = tuple(number + 1 for number in range(boundary) if length.prompt[0] <= edge - sentences[number][0] <= length.prompt[1])
        lasts = tuple(
            number + 1
            for number in range(boundary, len(sentences))
            if length.completion[0] <= sentences[number][1] - edge <= length.completion[1]
        )
        if firsts and lasts:
            found.append(Cut(boundary + 1, firsts, lasts))
    return found


def spread(options: list[Cut], pairs: int) -> list[list[Cut]]:
    """Deal the cuts of a chunk out to its pairs, in stretches from front to back; to fewer pairs if there are fewer cuts."""
    pairs = min(pairs, len(options))
    bounds = [round(index * len(options) / pairs) for index in range(pairs + 1)]
    return [options[start:end] for start, end in zip(bounds, bounds[1:])]


class Choice(BaseModel):
    """One pair as an LLM chooses it; sentence numbers count from 1 within the chunk."""

    model_config = ConfigDict(extra="forbid")

    why: str = Field(max_length=60)
    prompt_first: int
    completion_first: int
    completion_last: int


def free_schema(slots: list[list[Cut]]) -> type[BaseModel]:
    """The answer for a chunk with one choice a slot: the same schema for every chunk, so that a provider compiles it once."""
    return create_model("Pairs", __config__=ConfigDict(extra="forbid"), **{_slot(i): (Choice, ...) for i in range(len(slots))})


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
        fields[_slot(index)] = (Annotated[Union[variants], Field()], ...)
    return create_model("Pairs", __config__=ConfigDict(extra="forbid"), **fields)


def choices(answer: BaseModel) -> list[Choice]:
    """The chosen pairs of an answer, in slot order."""
    return [getattr(answer, name) for name in type(answer).model_fields]


def check_choices(answer: BaseModel, slots: list[list[Cut]]) -> None:
    """Reject an answer whose numbers don't name possible pairs.

    Raises:
        ValueError: "<name of the failure>: <slot, number and what was possible>".
    """
    for index, (choice, options) in enumerate(zip(choices(answer), slots, strict=True)):
        cut = next((cut for cut in options if cut.completion_first == choice.completion_first), None)
        possible = ", ".join(str(option.completion_first) for option in options)
        if cut is None:
            raise ValueError(f"spans out of range: {_slot(index)}: completion_first {choice.completion_first} is not one of {possible}")
        if choice.prompt_first not in cut.prompt_firsts:
            raise ValueError(
                f"spans out of range: {_slot(index)}: prompt_first {choice.prompt_first} is not one of {list(cut.prompt_firsts)}"
            )
        if choice.completion_last not in cut.completion_lasts:
            raise ValueError(
                f"spans out of range: {_slot(index)}: completion_last {choice.completion_last} is not one of {list(cut.completion_lasts)}"
            )


def _slot(index: int) -> str:
    return f"pair_{index + 1}"
