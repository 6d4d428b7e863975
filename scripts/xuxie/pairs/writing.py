"""The generator role the other way round: the LLM writes the pairs itself, and what share of them stands in the novel word for word is measured."""

from collections.abc import Iterable, Iterator
from functools import cache
from statistics import fmean
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from xuxie.llm import Answered, Failed, Question
from xuxie.overlap.ngrams import VERBATIM_NGRAM, dense, ngrams
from xuxie.pairs.generation import left_out, lost, origin
from xuxie.pairs.passage import slot
from xuxie.pairs.planning import Plan
from xuxie.pairs.templates import Templates


class Written(BaseModel):
    """One pair as an LLM writes it."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    completion: str


def question(plan: Plan, templates: Templates, *, sampling: dict) -> Question:
    """The question for one chunk, with room for the pairs that are asked for: two tokens per character, which is more than any takes."""
    room = 2 * sum(length.prompt[1] + length.completion[1] for length, _ in plan.slots) + 100 * len(
        plan.slots
    )
    return Question(
        id=plan.chunk["id"],
        messages=templates.ask(plan),
        schema=_written_model(len(plan.slots)),
        check=lambda answer: check_lengths(answer, plan),
        in_parts=True,
        sampling={"max_tokens": room, **sampling},
    )


@cache
def _written_model(count: int) -> type[BaseModel]:
    fields: dict[str, Any] = {slot(index): (Written, ...) for index in range(count)}
    return create_model("WrittenPairs", __config__=ConfigDict(extra="forbid"), **fields)


def check_lengths(answer: BaseModel, plan: Plan) -> None:
    """Reject an answer with a text that is far from the length asked for: an LLM counts badly, so half and double the length are let pass.

    Raises:
        ValueError: "wrong length: <slot and what was asked for>".
    """
    for index, (length, _) in enumerate(plan.slots):
        pair = getattr(answer, slot(index), None)
        if pair is None:
            continue
        for part, (least, most) in (("prompt", length.prompt), ("completion", length.completion)):
            count = len(getattr(pair, part).strip())
            if not least / 2 <= count <= most * 2:
                raise ValueError(
                    f"wrong length: {slot(index)}: the {part} has {count} characters, asked for {least} to {most}"
                )


def candidates(
    plans: Iterable[Plan], outcomes: Iterable[Answered | Failed], novel: str
) -> Iterator[dict]:
    """Turn answers into candidate pairs, and failures into rows that say what was lost and why.

    A pair carries `verbatim`, the share of its completion that the novel holds (see `verbatim_shares`). Its spans are those of
    its own text where the chunk holds it as a whole, or else those of the chunk that it was written from.

    Args:
        novel: the whole text.
    """
    rows = list(_rows(plans, outcomes))
    written = [row for row in rows if "failed" not in row]
    for row, share in zip(
        written, verbatim_shares([row["completion"] for row in written], novel), strict=True
    ):
        row["verbatim"] = round(share, 4)
    yield from rows


def verbatim_shares(texts: list[str], novel: str, run: int = VERBATIM_NGRAM) -> list[float]:
    """The share of each text's characters, white space left out, that stand in stretches of at least `run` characters of the novel."""
    packed = [dense(text) for text in texts]
    wanted = {gram for text in packed for gram in ngrams(text, run)}
    known = wanted.intersection(ngrams(dense(novel), run))
    return [_covered(text, known, run) / len(text) if text else 0.0 for text in packed]


def verbatim_summary(rows: list[dict]) -> dict[str, float | int]:
    """Of written pairs: how many there are, the mean share of a completion that is verbatim, and how many completions are wholly so."""
    shares = [row["verbatim"] for row in rows]
    return {
        "pairs": len(shares),
        "mean": round(fmean(shares), 4) if shares else 0.0,
        "wholly": sum(share == 1 for share in shares),
    }


def _covered(text: str, known: set[str], run: int) -> int:
    count = reached = 0
    for place, gram in enumerate(ngrams(text, run)):
        if gram in known:
            count += place + run - max(place, reached)
            reached = place + run
    return count


def _rows(plans: Iterable[Plan], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    for plan, outcome in zip(plans, outcomes, strict=True):
        if isinstance(outcome, Failed):
            yield lost(plan, outcome)
            continue
        yield from left_out(plan, outcome)
        for index, (length, _) in enumerate(plan.slots):
            pair = getattr(outcome.value, slot(index))
            if pair is None:
                continue
            prompt, completion = pair.prompt.strip(), pair.completion.strip()
            yield {
                "id": f"{plan.chunk['id']}-p{index + 1}",
                **origin(plan),
                "length": length.name,
                "prompt": prompt,
                "completion": completion,
                "prompt_span": _span(prompt, plan.chunk),
                "completion_span": _span(completion, plan.chunk),
                "why": None,
            }


def _span(text: str, chunk: dict) -> list[int]:
    place = chunk["text"].find(text)
    return (
        [chunk["start"] + place, chunk["start"] + place + len(text)]
        if place >= 0
        else [chunk["start"], chunk["end"]]
    )
