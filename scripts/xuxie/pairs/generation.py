"""The generator role: ask an LLM which spans of a chunk make good pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import Template

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.planning import Plan
from xuxie.pairs.spans import bounded_schema, check_choices, choices, free_schema


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
    text, edges = plan.chunk["text"], plan.sentences.edges
    return "\n".join(f"[{number}] {text[start:end].strip()}" for number, (start, end) in enumerate(pairwise(edges), 1))


def candidates(plans: Iterable[Plan], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """Turn answers into candidate pairs, and failures into rows that say what was lost and why."""
    for plan, outcome in zip(plans, outcomes, strict=True):
        chunk = plan.chunk
        common = {"novel": chunk["novel"], "chunk": chunk["id"], "chapter": chunk["chapter"]}
        if isinstance(outcome, Failed):
            yield {**common, "failed": outcome.reason, "detail": outcome.detail, "raw": outcome.raw, "pairs": len(plan.slots)}
            continue
        text, edges = chunk["text"], plan.sentences.edges
        chosen = choices(outcome.value, [options for _, options in plan.slots])
        for index, (choice, (length, _)) in enumerate(zip(chosen, plan.slots, strict=True)):
            start, edge, end = edges[choice.prompt_first - 1], edges[choice.completion_first - 1], edges[choice.completion_last]
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
