"""What no rule can say of a passage: an LLM tells in one sentence what happens in it.

Of a row's completion that is its outline, of a chapter its summary. The sentence goes into rows, so that it may neither copy
the passage nor hold what would break the line it stands in.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from pydantic import BaseModel, ConfigDict, Field

from xuxie.llm import Answered, Failed, Question
from xuxie.overlap.ngrams import VERBATIM_NGRAM, dense, ngrams
from xuxie.pairs.estimate import about
from xuxie.pairs.passage import messages
from xuxie.pairs.templates import read_templates
from xuxie.text.han import is_han

LONGEST = {"zh": 60, "en": 180}
"""Characters of a sentence at most."""

_SHORTEST = 6
_ASKING, _ANSWER = 150, 40
"""Tokens of a question without its passage, and of a usual answer."""

_WORD = re.compile(r"[A-Za-z]{3,}")
_STRANGE = set("【】[]<>{}|\\\n\r\t\ufffd")


class Sketch(BaseModel):
    """The answer."""

    model_config = ConfigDict(extra="forbid")

    sentence: str = Field(min_length=_SHORTEST, max_length=LONGEST["zh"])


class EnglishSketch(Sketch):
    """The answer in English, whose sentences take more letters."""

    sentence: str = Field(min_length=_SHORTEST, max_length=LONGEST["en"])


def questions(
    passages: Iterable[dict], templates: Sequence[str], *, language: str, sampling: dict
) -> list[Question]:
    """A question for each passage.

    Args:
        passages: `id` and `text` of each.
        templates: the files of the prompt templates: who is asked, and for what.
    """
    system, (asking,) = read_templates(templates)
    return [
        Question(
            id=passage["id"],
            messages=messages(system, asking.substitute(passage=passage["text"].strip())),
            schema=EnglishSketch if language == "en" else Sketch,
            check=partial(check, passage=passage["text"], task=asking.template),
            sampling={"max_tokens": 2 * LONGEST[language] + 40, **sampling},
        )
        for passage in passages
    ]


def tokens_to_sketch(passages: Sequence[dict]) -> tuple[int, int]:
    """About how many tokens go in and come out where these passages are asked about."""
    read = sum(about(passage["text"]) + _ASKING for passage in passages)
    return read, _ANSWER * len(passages)


def check(answer: Sketch, passage: str, task: str = "") -> None:
    """Reject a sentence that cannot be used: a small model likes to recite what it reads.

    Args:
        task: what it was asked beside the passage.

    Raises:
        ValueError: "<name of the failure>: <detail>".
    """
    said = answer.sentence
    if strange := sorted(_STRANGE & set(said)):
        raise ValueError(f"strange marks: {' '.join(map(repr, strange))}")
    if len(dense(said)) < _SHORTEST:
        raise ValueError("empty: the sentence says nothing")
    if any(map(is_han, passage)) and set(_WORD.findall(said)) - set(_WORD.findall(passage)):
        raise ValueError("foreign words: the passage has none")
    read = {gram for text in (passage, task) for gram in ngrams(dense(text), VERBATIM_NGRAM)}
    if not read.isdisjoint(ngrams(dense(said), VERBATIM_NGRAM)):
        raise ValueError(f"copied: {VERBATIM_NGRAM} characters in a row")


def sketches(passages: Iterable[dict], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """A row for each passage: its `id` with the `sentence`, or with what `failed`, the detail and the raw answer."""
    for passage, outcome in zip(passages, outcomes, strict=True):
        if isinstance(outcome, Failed):
            yield {
                "id": passage["id"],
                "failed": outcome.reason,
                "detail": outcome.detail,
                "raw": outcome.raw,
            }
        else:
            yield {"id": passage["id"], "sentence": " ".join(outcome.value.sentence.split())}
