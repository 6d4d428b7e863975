"""The generator role: ask an LLM which spans of a chunk make good pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.passage import messages, slot
from xuxie.pairs.planning import Plan
from xuxie.pairs.spans import bounded_schema, check_choices, choices, free_schema


@dataclass(frozen=True)
class Wording:
    """The generator's prompt templates in one language: whom it is, what it does, and what it is told of each pair."""

    system: str
    task: Template
    slot: Template

    @classmethod
    def read(cls, folder: str | Path, mode: str) -> "Wording":
        """The templates of a mode (`span` or `write`)."""
        task, slot = {"span": ("generate", "slot"), "write": ("write", "write_slot")}[mode]
        return cls(
            read_template(folder, "system"),
            Template(read_template(folder, task)),
            Template(read_template(folder, slot)),
        )

    def ask(self, plan: Plan) -> list[dict]:
        """The messages that ask for a chunk's pairs."""
        slots = "\n".join(
            self.slot.substitute(
                slot=slot(index),
                prompt_min=length.prompt[0],
                prompt_max=length.prompt[1],
                completion_min=length.completion[0],
                completion_max=length.completion[1],
                cuts="、".join(str(cut.completion_first) for cut in options),
            )
            for index, (length, options) in enumerate(plan.slots)
        )
        return messages(self.system, plan.chunk["text"], self.task.substitute(slots=slots))


def read_template(folder: str | Path, name: str) -> str:
    """A prompt template of a wording's folder."""
    return (Path(folder) / f"{name}.txt").read_text(encoding="utf-8").strip()


def question(plan: Plan, wording: Wording, *, bounded: bool, sampling: dict) -> Question:
    """The question for one chunk."""
    slots = [options for _, options in plan.slots]
    make_schema = bounded_schema if bounded else free_schema
    return Question(
        id=plan.chunk["id"],
        messages=wording.ask(plan),
        schema=make_schema(slots),
        check=lambda answer: check_choices(answer, slots),
        sampling=sampling,
    )


def candidates(plans: Iterable[Plan], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """Turn answers into candidate pairs, and failures into rows that say what was lost and why."""
    for plan, outcome in zip(plans, outcomes, strict=True):
        if isinstance(outcome, Failed):
            yield lost(plan, outcome)
            continue
        chunk = plan.chunk
        text, edges = chunk["text"], plan.sentences.edges
        chosen = choices(outcome.value, [options for _, options in plan.slots])
        for index, (choice, (length, _)) in enumerate(zip(chosen, plan.slots, strict=True)):
            start, edge, end = (
                edges[choice.prompt_first - 1],
                edges[choice.completion_first - 1],
                edges[choice.completion_last],
            )
            yield {
                "id": f"{chunk['id']}-p{index + 1}",
                **origin(plan),
                "length": length.name,
                "prompt": text[start:edge],
                "completion": text[edge:end],
                "prompt_span": [chunk["start"] + start, chunk["start"] + edge],
                "completion_span": [chunk["start"] + edge, chunk["start"] + end],
                "why": choice.why,
            }


def origin(plan: Plan) -> dict:
    """Where a plan's pairs come from."""
    return {
        "novel": plan.chunk["novel"],
        "chunk": plan.chunk["id"],
        "chapter": plan.chunk["chapter"],
    }


def lost(plan: Plan, failure: Failed) -> dict:
    """The row that says which pairs were asked for in vain, and why; the raw answer is kept for inspection."""
    return {
        **origin(plan),
        "failed": failure.reason,
        "detail": failure.detail,
        "raw": failure.raw,
        "pairs": len(plan.slots),
    }
