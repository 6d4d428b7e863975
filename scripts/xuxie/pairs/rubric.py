"""The judge scorer: an LLM gives each pair marks by a rubric, with a short reason.

It sees a pair by itself, neither the chunk it is from nor its neighbours: whether the completion follows is to be judged, not
looked up. A seeded share of the pairs is marked a second time with a passage from elsewhere in the chapter in place of
its completion; how well the marks tell the two apart is the judge's calibration.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xuxie.llm import Answered, Failed, Question
from xuxie.pairs.negatives import NegativeCompletions
from xuxie.pairs.passage import messages
from xuxie.pairs.planning import text_random
from xuxie.pairs.templates import read_templates

Mark = Annotated[int, Field(ge=0, le=10)]

NEGATIVE = "-negative"
"""The ending of the id of a question about a negative."""


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
    templates: Sequence[str],
    *,
    calibration: float,
    seed: int,
    sampling: dict,
) -> list[Question]:
    """A question for each pair and, after it, another one if the pair is drawn for it, about its negative.

    A question depends on its pair alone, one about a negative on the chunks of the chapter too; how the pairs were dealt into
    shards changes none.

    Args:
        pairs: candidate pairs.
        chunks: all chunks of the novel.
        templates: the files of the judge's prompt templates.
        calibration: the share of pairs that is asked about a second time.
    """
    system, (rubric,) = read_templates(templates)
    negatives = NegativeCompletions(chunks, seed)

    def question(id: str, prompt: str, completion: str) -> Question:
        asked = rubric.substitute(prompt=prompt.strip(), completion=completion.strip())
        return Question(id, messages(system, asked), Marks, sampling=sampling)

    asked = []
    for pair in pairs:
        asked.append(question(pair["id"], pair["prompt"], pair["completion"]))
        drawn = text_random(pair["prompt"] + pair["completion"], seed).random() < calibration
        if drawn and (negative := negatives.completion_for(pair)):
            asked.append(question(pair["id"] + NEGATIVE, pair["prompt"], negative))
    return asked


def scores(pairs: Iterable[dict], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """One row for each pair.

    Returns: For each pair `id`; `marks`, `reason` and `value`, its weakest mark, as one flaw spoils a pair; and, of its negative,
        `swapped` (the weakest mark) and `swapped_marks`, each a list, empty where there is none. Or `failed` and why,
        with value None.
    """
    by_id = {outcome.id: outcome for outcome in outcomes}
    for pair in pairs:
        own, negative = by_id[pair["id"]], by_id.get(pair["id"] + NEGATIVE)
        negatives = [_marks(negative.value)] if isinstance(negative, Answered) else []
        of_negatives = {
            "swapped": [min(marks.values()) for marks in negatives],
            "swapped_marks": negatives,
        }
        if isinstance(own, Failed):
            failed = f"{own.reason}: {own.detail}"
            yield {"id": pair["id"], "value": None, "failed": failed, **of_negatives}
        else:
            marks = _marks(own.value)
            value = min(marks.values())
            yield {
                "id": pair["id"],
                "value": value,
                "marks": marks,
                "reason": own.value.reason,
                **of_negatives,
            }


def _marks(given: Marks) -> dict[str, int]:
    return {name: getattr(given, name) for name in CRITERIA}
