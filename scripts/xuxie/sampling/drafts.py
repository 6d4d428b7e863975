"""Several drafts of a continuation, of which the one is taken that the model itself finds the likeliest and that repeats itself least.

Likelihood alone would take the dullest draft, and a loop before all others; so every repeated 4-gram costs as much as a very
surprising character. Whether that ranking is worth anything is tried first, on the author's passages against corrupted ones: where it
does not tell them apart, the first draft is as good as any, and is taken.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

from xuxie.models.nll import completion_nll
from xuxie.overlap.repetition import seq_rep
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.spread import evenly_spread

logger = logging.getLogger(__name__)

CORRUPTIONS = ("shuffled", "joined", "names_swapped", "looping")
"""What the ranking must tell from the author, each of them."""

_REPEATED = 10.0
"""Bits: a text of repeated 4-grams alone costs so much for each character, about twice what the author's own does."""


@dataclass(frozen=True)
class Exam:
    """What the ranking is tried on.

    Attributes:
        passages: rows of exam_passages.jsonl.
        count: how many of them are read.
        bound: how often the author must come before a corruption.
    """

    passages: Sequence[dict]
    count: int
    bound: float


def drafted(rows: Sequence[dict], count: int) -> list[dict]:
    """Each row so often, under names of its own; the first keeps its name, and with it its chance."""
    return [{**row, "id": draft_id(row["id"], number)} for number in range(count) for row in rows]


def draft_id(row_id: str, number: int) -> str:
    """The name of a row's draft; the first has the row's own."""
    return f"{row_id}#{number}" if number else row_id


def scores(
    model, prompting: Prompting, asked: Sequence[tuple[dict, str]], system: str | None
) -> list[float]:
    """How good each text after its row's prompt is, in bits per character, less than zero.

    Args:
        asked: (row, text), of which an empty text is the worst.
        system: a system prompt in place of the rows' own.
    """
    items = [
        (
            prompting.prompt_ids(row, system=system),
            prompting.tokenizer.encode(text, add_special_tokens=False),
        )
        for row, text in asked
    ]
    return [
        -sum(nats) / math.log(2) / len(text) - _REPEATED * (seq_rep(text) or 0)
        if text
        else -math.inf
        for nats, (_, text) in zip(completion_nll(model, items), asked, strict=True)
    ]


def examine(
    model, prompting: Prompting, exam: Exam, template_row: dict, system: str | None
) -> dict:
    """By corruption how often the author's passage comes before it, and whether that is often enough of each (`fit`)."""
    read = evenly_spread(exam.passages, exam.count)
    asked, places = [], []
    for number, passage in enumerate(read):
        row = {**template_row, "input": passage["context"], "history": []}
        for name, text in {"true": passage["true"], **passage["corrupted"]}.items():
            if text and name in ("true", *CORRUPTIONS):
                asked.append((row, text))
                places.append((number, name))
    found = dict(zip(places, scores(model, prompting, asked, system), strict=True))
    auc = {}
    for name in CORRUPTIONS:
        pairs = [
            (found[number, "true"], found[number, name])
            for number in range(len(read))
            if (number, name) in found
        ]
        if pairs:
            auc[name] = sum((true > false) + (true == false) / 2 for true, false in pairs) / len(
                pairs
            )
    return {"auc": auc, "fit": bool(auc) and min(auc.values()) >= exam.bound}


def take_best(
    model,
    prompting: Prompting,
    rows: Sequence[dict],
    outputs: dict[str, dict],
    *,
    count: int,
    certificate: dict,
    system: str | None,
) -> dict[str, dict]:
    """Of each row's drafts the best, or the first if the ranking has failed its exam, with `draft` (which one) and `drafts`.

    Args:
        outputs: by the names that `drafted` gave; the one that is taken has the seconds of all.
        certificate: what `examine` found.
    """
    if not certificate["fit"]:
        logger.warning(
            "the ranking of drafts does not tell the author from corrupted passages here (%s): the first draft is taken",
            certificate["auc"],
        )
    best = {}
    for row in rows:
        drafts = [outputs[draft_id(row["id"], number)] for number in range(count)]
        taken = 0
        if certificate["fit"]:
            found = scores(model, prompting, [(row, draft["text"]) for draft in drafts], system)
            taken = found.index(max(found))
        seconds = round(sum(draft["seconds"] for draft in drafts), 3)
        best[row["id"]] = {
            **drafts[taken],
            "seconds": seconds,
            "draft": taken,
            "drafts": {"count": count, **certificate},
        }
    return best
