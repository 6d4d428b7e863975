"""A judge compares two continuations of a prompt, in both orders, cut to about the same length.

Judges of this kind prefer what they see first and what is longer (Zheng et al., arXiv 2306.05685), so each
pair is shown both ways round, and neither text is longer than the other by more than a sentence.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from xuxie.evaluation import corruptions
from xuxie.evaluation.contexts import last
from xuxie.evaluation.lengths import bounds_of_quarters, followed_length
from xuxie.files.novel_text import chapter_of
from xuxie.llm import Answered, Failed, Question
from xuxie.prompts.template import read_template
from xuxie.sampling.authors import BASE, HUMAN, as_configured
from xuxie.sampling.spread import evenly_spread
from xuxie.text.sentences import bounds

NEGATIVE, CORRUPTED = "negative", "corrupted"
"""The author's continuation of a prompt in another chapter, and his own continuation of this one, corrupted: no systems, but trials of the judge."""

_LONGEST = 1000
"""Characters of a text that a judge is shown: a small one loses the thread of more, and its window is filled."""

_ENDS = tuple('。！？…”’」』.!?"')


class Preference(BaseModel):
    """The judge's answer: the reason first, so that the verdict follows from it."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=160)
    better: Literal["A", "B", "tie"]


@dataclass(frozen=True)
class Comparison:
    """Two systems on one prompt.

    Attributes:
        sample: the row of samples.jsonl.
        systems, texts: the two of them; two of the names are no systems, see `NEGATIVE`.
        quarter: which quarter of long continuations these are; None for their beginnings.
    """

    sample: dict
    systems: tuple[str, str]
    texts: tuple[str, str]
    quarter: int | None = None


def comparisons(
    samples: Sequence[dict], *, prompts: int, seed: int, target_chars: int = 0
) -> list[Comparison]:
    """What the judge is asked about: each system against the base, each against the author, and the author against a negative
    and against himself corrupted; of long continuations also each quarter of a system's against the same of the author's.

    The negative and the corrupted one tell what the judge is worth.

    Args:
        prompts: how many prompts are taken, spread evenly.
        target_chars: how long continuations were to become; 0 if that was not said.
    """
    source = random.Random(seed)
    length = followed_length(samples, target_chars)
    found = []
    for sample in evenly_spread(samples, prompts):
        texts = {
            HUMAN: sample["reference"],
            **{name: output["text"] for name, output in sample["outputs"].items()},
        }
        negatives = [
            other["reference"] for other in samples if chapter_of(other) != chapter_of(sample)
        ]
        if negatives:
            texts[NEGATIVE] = source.choice(negatives)
        if spoilt := _corrupted(texts, source):
            texts[CORRUPTED] = spoilt
        written = as_configured(sample["outputs"])
        pairs = [(name, BASE) for name in written if name != BASE and BASE in written]
        pairs += [(name, HUMAN) for name in written]
        pairs += [(HUMAN, trial) for trial in (NEGATIVE, CORRUPTED) if trial in texts]
        found += [Comparison(sample, pair, (texts[pair[0]], texts[pair[1]])) for pair in pairs]
        for name in written if length and len(sample["reference"]) >= length else []:
            if len(texts[name]) >= length:
                found += _by_quarter(sample, (name, HUMAN), (texts[name], texts[HUMAN]), length)
    return found


def _by_quarter(
    sample: dict, systems: tuple[str, str], texts: tuple[str, str], length: int
) -> list[Comparison]:
    """Each quarter of both, from where a sentence begins in it."""
    found = []
    for number, (start, end) in enumerate(bounds_of_quarters(length)):
        first, second = (last(text[:end], end - start) for text in texts)
        found.append(Comparison(sample, systems, (first, second), number))
    return found


def questions(
    asked: Sequence[Comparison], template_file: str | Path, *, seed: int
) -> list[Question]:
    """Two questions for each comparison, one for each order; a comparison with an empty text has none."""
    template = read_template(template_file, ("prompt", "a", "b"))
    found = []
    for comparison in asked:
        first, second = _cut(comparison.texts)
        if not first:
            continue
        for a, b in ((first, second), (second, first)):
            content = template.substitute(prompt=comparison.sample["prompt"]["input"], a=a, b=b)
            name = f"{comparison.sample['id']} {' '.join(comparison.systems)}"
            if comparison.quarter is not None:
                name += f", quarter {comparison.quarter + 1}"
            found.append(
                Question(
                    id=name,
                    messages=[{"role": "user", "content": content}],
                    schema=Preference,
                    sampling={"temperature": 0, "seed": seed},
                )
            )
    return found


def verdicts(asked: Sequence[Comparison], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """One row for each comparison: which system was preferred in each order (null: a tie), and whether it could be judged at all."""
    outcomes = iter(outcomes)
    for comparison in asked:
        row = {
            **{key: comparison.sample[key] for key in ("id", "novel", "chapter")},
            "systems": list(comparison.systems),
            "quarter": comparison.quarter,
            "preferred": None,
            "reasons": None,
            "unjudged": None,
        }
        if not _cut(comparison.texts)[0]:
            yield row | {"unjudged": "an empty text"}
            continue
        answers: list[Preference] = []
        for outcome in (next(outcomes), next(outcomes)):
            if isinstance(outcome, Answered):
                answers.append(outcome.value)
            else:
                row |= {"unjudged": f"{outcome.reason}: {outcome.detail}"}
        if row["unjudged"]:
            yield row
            continue
        order = (comparison.systems, comparison.systems[::-1])
        preferred = [
            dict(zip("AB", names, strict=True)).get(answer.better)
            for names, answer in zip(order, answers, strict=True)
        ]
        yield row | {"preferred": preferred, "reasons": [answer.reason for answer in answers]}


def _corrupted(texts: dict[str, str], draw: random.Random) -> str | None:
    """The author's continuation with its sentences shuffled, with a loop, or with the negative's second half; None where it is too short for any."""
    true = texts[HUMAN]
    found = [corruptions.shuffled(true, draw), corruptions.looping(true, draw)]
    if NEGATIVE in texts:
        found.append(corruptions.joined(true, texts[NEGATIVE]))
    possible = [text for text in found if text and text != true]
    return draw.choice(possible) if possible else None


def _cut(texts: tuple[str, str]) -> tuple[str, str]:
    """The shorter one, up to `_LONGEST`, as far as its last whole sentence (a torn one would tell who wrote it), and the other one to where
    a sentence of it ends nearest to that, before or behind: who stopped early is neither the longer one nor the shorter one for it."""
    short, long = sorted((text.strip() for text in texts), key=len)
    short = _whole_sentences(short, min(len(short), _LONGEST))
    ends = _ends(long)
    long = long[: min(ends, key=lambda end: abs(end - len(short)), default=len(short))]
    if len(long) > 2 * len(short):
        long = long[: len(short)]
    return (short, long) if len(texts[0].strip()) <= len(texts[1].strip()) else (long, short)


def _ends(text: str) -> list[int]:
    """Where its whole sentences end."""
    ends = [len(text[:edge].rstrip()) for edge in bounds(text, 0, len(text))]
    return [end for end in ends if text[:end].endswith(_ENDS)]


def _whole_sentences(text: str, room: int) -> str:
    """The sentences that fit into so many characters; where not even one does, the characters."""
    return text[: max((end for end in _ends(text) if end <= room), default=room)].rstrip()
