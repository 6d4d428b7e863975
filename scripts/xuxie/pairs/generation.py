"""The generator role: ask an LLM which spans of a chunk make good pairs."""

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.spans import Cut, LengthClass, bounded_schema, check_choices, choices, cuts, free_schema, spread
from xuxie.text.sentences import sentences


@dataclass(frozen=True)
class Wording:
    """The prompt templates of one language."""

    system: str
    generate: Template
    slot: Template

    @classmethod
    def read(cls, folder: str | Path) -> "Wording":
        def text(name: str) -> str:
            return (Path(folder) / f"{name}.txt").read_text(encoding="utf-8").strip()

        return cls(text("system"), Template(text("generate")), Template(text("slot")))


@dataclass(frozen=True)
class Plan:
    """What is asked of one chunk: its sentences and, a pair, the length class and the cuts that suit it."""

    chunk: dict
    spans: list[tuple[int, int]]
    slots: list[tuple[LengthClass, list[Cut]]]


def plan_chunk(chunk: dict, lengths: list[LengthClass], *, per_chunk: int, seed: int) -> Plan:
    """Draw a length class for each pair of a chunk, by share, among those that fit in it.

    The draw hangs on the chunk's text alone, so that an edit elsewhere in the novel changes no question.
    A chunk too short for every class gets a plan without slots.
    """
    spans = sentences(chunk["text"])
    possible = {length: options for length in lengths if length.share > 0 and (options := cuts(spans, length))}
    if not possible:
        return Plan(chunk, spans, [])
    drawn = text_random(chunk["text"], seed).choices(list(possible), [length.share for length in possible], k=per_chunk)
    # Each pair of a class gets a stretch of the chunk of its own: left free, small models choose the first sentences every time.
    stretches = {length: spread(possible[length], drawn.count(length)) for length in drawn}
    return Plan(chunk, spans, [(length, stretches[length].pop(0)) for length in drawn if stretches[length]])


def question(plan: Plan, wording: Wording, *, bounded: bool, sampling: dict) -> Question:
    """The question for one chunk. The chunk comes first, so that both roles share a cached prefix."""
    slots = [options for _, options in plan.slots]
    make_schema = bounded_schema if bounded else free_schema
    return Question(
        id=plan.chunk["id"],
        messages=[
            {"role": "system", "content": wording.system},
            {"role": "user", "content": f"{numbered(plan)}\n\n{_task(plan, wording)}"},
        ],
        schema=make_schema(slots),
        check=lambda answer: check_choices(answer, slots),
        sampling=sampling,
    )


def numbered(plan: Plan) -> str:
    """The chunk as an LLM sees it: one numbered sentence a line."""
    text = plan.chunk["text"]
    return "\n".join(f"[{number}] {text[start:end].strip()}" for number, (start, end) in enumerate(plan.spans, 1))


def candidates(plans: Iterable[Plan], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """Turn answers into candidate pairs, and failures into rows that say what was lost and why."""
    for plan, outcome in zip(plans, outcomes, strict=True):
        chunk = plan.chunk
        common = {"novel": chunk["novel"], "chunk": chunk["id"], "chapter": chunk["chapter"]}
        if isinstance(outcome, Failed):
            yield {**common, "failed": outcome.reason, "detail": outcome.detail, "raw": outcome.raw, "pairs": len(plan.slots)}
            continue
        for index, (choice, (length, _)) in enumerate(zip(choices(outcome.value), plan.slots, strict=True)):
            start = plan.spans[choice.prompt_first - 1][0]
            edge = plan.spans[choice.completion_first - 1][0]
            end = plan.spans[choice.completion_last - 1][1]
            text = chunk["text"]
            yield {
                "id": f"{chunk['id']}-p{index + 1}",
                **common,
                "length": length.name,
                "prompt": text[start:edge],
                "completion": text[edge:end],
                "prompt_span": [chunk["start"] + start, chunk["start"] + edge],
                "completion_span": [chunk["start"] + edge, chunk["start"] + end],
                "why": choice.why,
            }


def text_random(text: str, seed: int) -> random.Random:
    """A generator seeded by a text and the recipe's seed, the same on every machine."""
    return random.Random(hashlib.sha256(f"{seed}\n{text}".encode()).digest())


def _task(plan: Plan, wording: Wording) -> str:
    slots = "\n".join(
        wording.slot.substitute(
            slot=f"pair_{index}",
            prompt_min=length.prompt[0],
            prompt_max=length.prompt[1],
            completion_min=length.completion[0],
            completion_max=length.completion[1],
            cuts="、".join(str(cut.completion_first) for cut in options),
        )
        for index, (length, options) in enumerate(plan.slots, 1)
    )
    return wording.generate.substitute(slots=slots)
