"""The generator role: ask an LLM which spans of a chunk make good pairs."""

from collections.abc import Iterable, Iterator

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.answers import bounded_schema, chosen, free_schema
from xuxie.pairs.planning import Plan
from xuxie.pairs.templates import Templates


def question(
    plan: Plan, templates: Templates, mode: str, *, bounded: bool, sampling: dict
) -> Question:
    """The question for one chunk in mode `cut` or `span`."""
    slots = [options for _, options in plan.slots]
    make_schema = bounded_schema if bounded else free_schema
    return Question(
        id=plan.chunk["id"],
        messages=templates.ask(plan),
        schema=make_schema(slots, mode),
        check=lambda answer: chosen(answer, slots),
        in_parts=True,
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
        pairs = chosen(outcome.value, [options for _, options in plan.slots])
        yield from left_out(plan, outcome)
        for index, (pair, (length, _)) in enumerate(zip(pairs, plan.slots, strict=True)):
            if pair is None:
                continue
            start, edge, end = (
                edges[pair.prompt_first - 1],
                edges[pair.completion_first - 1],
                edges[pair.completion_last],
            )
            yield {
                "id": f"{chunk['id']}-p{index + 1}",
                **origin(plan),
                "length": length.name,
                "prompt": text[start:edge],
                "completion": text[edge:end],
                "prompt_span": [chunk["start"] + start, chunk["start"] + edge],
                "completion_span": [chunk["start"] + edge, chunk["start"] + end],
                "why": pair.why,
            }


def origin(plan: Plan) -> dict:
    """Where a plan's pairs come from."""
    return {
        "novel": plan.chunk["novel"],
        "chunk": plan.chunk["id"],
        "chapter": plan.chunk["chapter"],
    }


def lost(plan: Plan, failure: Failed) -> dict:
    """The row that says which pairs were asked for in vain, and why, with the raw answer for inspection."""
    return {
        **origin(plan),
        "failed": failure.reason,
        "detail": failure.detail,
        "raw": failure.raw,
        "pairs": len(plan.slots),
    }


def left_out(plan: Plan, outcome: Answered) -> Iterator[dict]:
    """The row, if there is one to be made, that says which pairs an answer leaves out, and why."""
    if outcome.missing:
        said = list(outcome.missing.values())
        yield {
            **origin(plan),
            "failed": said[0].split(":", 1)[0],
            "detail": "; ".join(said),
            "raw": None,
            "pairs": len(said),
        }
