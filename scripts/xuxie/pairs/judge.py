"""The judge scorer: an LLM gives each pair of a chunk marks by a rubric, with a short reason.

All pairs of a chunk are marked in one call, in an order shuffled by seed. A seeded share of them is
asked a second time with the completion swapped for one from elsewhere in the novel; how well the
marks tell the two apart is the judge's calibration.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Template
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.planning import text_random

Mark = Annotated[int, Field(ge=0, le=10)]


class Marks(BaseModel):
    """The rubric: whole marks from 0 to 10 for each criterion."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=80)
    follows: Mark
    complete: Mark
    style: Mark
    clean: Mark


CRITERIA = tuple(name for name in Marks.model_fields if name != "reason")


def questions(pairs: list[dict], chunks: dict[str, str], wording_folder: str | Path, *, calibration: float, seed: int, sampling: dict):
    """Questions that mark every pair once, with the swapped ones among them.

    Args:
        pairs: candidate pairs, those of a chunk together.
        chunks: the text of each chunk as the generator saw it, by id: it comes first, for the provider's prefix cache.
        calibration: the share of pairs that is asked about a second time, with a swapped completion.

    Returns:
        (questions, entries): entries[i] lists the (pair id, is swapped) that question i marks, in its order.
    """
    folder = Path(wording_folder)
    system = (folder / "system.txt").read_text(encoding="utf-8").strip()
    task = Template((folder / "judge.txt").read_text(encoding="utf-8").strip())
    by_chunk: dict[str, list[dict]] = {}
    for pair in pairs:
        by_chunk.setdefault(pair["chunk"], []).append(pair)
    asked, entries = [], []
    for chunk, group in by_chunk.items():
        items = [(pair["id"], False, pair["prompt"], pair["completion"]) for pair in group]
        for pair in group:
            draw = text_random(pair["prompt"] + pair["completion"], seed)
            strangers = [other for other in pairs if other["chunk"] != chunk]
            if strangers and draw.random() < calibration:
                items.append((pair["id"], True, pair["prompt"], draw.choice(strangers)["completion"]))
        text_random(chunks[chunk], seed).shuffle(items)
        listing = "\n\n".join(
            f"<{_slot(i)}>\n{prompt}\n→\n{completion}\n</{_slot(i)}>" for i, (_, _, prompt, completion) in enumerate(items)
        )
        asked.append(
            Question(
                id=chunk,
                messages=[
                    {"role": "system", "content": system},
                    {"role": "user", "content": f"{chunks[chunk]}\n\n{task.substitute(pairs=listing)}"},
                ],
                schema=create_model("Scores", __config__=ConfigDict(extra="forbid"), **{_slot(i): (Marks, ...) for i in range(len(items))}),
                check=None,
                sampling=sampling,
            )
        )
        entries.append([(pair_id, swapped) for pair_id, swapped, _, _ in items])
    return asked, entries


def scores(entries: Iterable[list[tuple[str, bool]]], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """One row a pair: `value` (mean mark), its marks and reason, and the values of its swapped twin."""
    for items, outcome in zip(entries, outcomes, strict=True):
        rows = {pair_id: {"id": pair_id, "value": None, "swapped": []} for pair_id, _ in items}
        if isinstance(outcome, Failed):
            for row in rows.values():
                row["failed"] = f"{outcome.reason}: {outcome.detail}"
        else:
            for index, (pair_id, swapped) in enumerate(items):
                marks = getattr(outcome.value, _slot(index))
                values = {name: getattr(marks, name) for name in CRITERIA}
                mean = sum(values.values()) / len(values)
                if swapped:
                    rows[pair_id]["swapped"].append(mean)
                else:
                    rows[pair_id].update(value=mean, marks=values, reason=marks.reason)
        yield from rows.values()


def _slot(index: int) -> str:
    return f"pair_{index + 1}"
