"""The judge scorer: an LLM gives each pair of a chunk marks by a rubric, with a short reason.

All pairs of a chunk are marked in one call, in an order shuffled by seed. A seeded share of them is
marked a second time with the completion swapped for a passage from elsewhere in the novel; how well the
marks tell the two apart is the judge's calibration.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from string import Template
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.generation import read_template
from xuxie.pairs.negatives import ForeignPassages
from xuxie.pairs.passage import messages, slot
from xuxie.pairs.planning import text_random

Mark = Annotated[int, Field(ge=0, le=10)]


class Marks(BaseModel):
    """The rubric: whole marks from 0 to 10 for each criterion, after the reason for them."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=80)
    follows: Mark
    complete: Mark
    style: Mark
    clean: Mark


CRITERIA = tuple(name for name in Marks.model_fields if name != "reason")


def questions(
    pairs: list[dict],
    chunks: list[dict],
    wording_folder: str | Path,
    *,
    calibration: float,
    seed: int,
    sampling: dict,
):
    """Questions that mark every pair once, with the swapped ones among them.

    A question hangs on its chunk's pairs and, through the passages swapped in, on the chunks that those are from: into how
    many shards the pairs were dealt shapes none.

    Args:
        pairs: candidate pairs, those of a chunk together.
        chunks: all chunks of the novel.
        calibration: the share of pairs that is asked about a second time, with a swapped completion.

    Returns:
        (questions, entries): entries[i] lists the (pair id, is swapped) that question i marks, in its order.
    """
    system, task = (
        read_template(wording_folder, "system"),
        Template(read_template(wording_folder, "judge")),
    )
    texts = {chunk["id"]: chunk["text"] for chunk in chunks}
    elsewhere = ForeignPassages(chunks, seed)
    by_chunk: dict[str, list[dict]] = {}
    for pair in pairs:
        by_chunk.setdefault(pair["chunk"], []).append(pair)
    asked, entries = [], []
    for chunk, group in by_chunk.items():
        items = [(pair["id"], False, pair["prompt"], pair["completion"]) for pair in group]
        for pair in group:
            if text_random(pair["prompt"] + pair["completion"], seed).random() < calibration:
                foreign = elsewhere.passage_for(pair)
                items += [(pair["id"], True, pair["prompt"], foreign)] if foreign else []
        text_random(texts[chunk], seed).shuffle(items)
        asked.append(
            Question(
                id=chunk,
                messages=messages(system, texts[chunk], task.substitute(pairs=_listing(items))),
                schema=_scores_model(len(items)),
                sampling=sampling,
            )
        )
        entries.append([(pair_id, swapped) for pair_id, swapped, _, _ in items])
    return asked, entries


def scores(
    entries: Iterable[list[tuple[str, bool]]], outcomes: Iterable[Answered | Failed]
) -> Iterator[dict]:
    """One row a pair: `value` (mean mark), its marks and reason, and the values of its swapped twin."""
    for items, outcome in zip(entries, outcomes, strict=True):
        rows = {pair_id: {"id": pair_id, "value": None, "swapped": []} for pair_id, _ in items}
        if isinstance(outcome, Failed):
            for row in rows.values():
                row["failed"] = f"{outcome.reason}: {outcome.detail}"
        else:
            for index, (pair_id, swapped) in enumerate(items):
                marks = getattr(outcome.value, slot(index))
                values = {name: getattr(marks, name) for name in CRITERIA}
                mean = sum(values.values()) / len(values)
                if swapped:
                    rows[pair_id]["swapped"].append(mean)
                else:
                    rows[pair_id].update(value=mean, marks=values, reason=marks.reason)
        yield from rows.values()


def _listing(items: list[tuple[str, bool, str, str]]) -> str:
    return "\n\n".join(
        f"<{slot(index)}>\n{prompt}\n→\n{completion}\n</{slot(index)}>"
        for index, (_, _, prompt, completion) in enumerate(items)
    )


@cache
def _scores_model(count: int) -> type[BaseModel]:
    return create_model(
        "Scores",
        __config__=ConfigDict(extra="forbid"),
        **{slot(index): (Marks, ...) for index in range(count)},
    )
