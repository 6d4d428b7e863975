"""The corruption that no rule can do: a held-out passage in plain words, as an LLM writes it again."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xuxie.evaluation.exam import PARAPHRASE, TRUE
from xuxie.llm import Answered, Failed, Question
from xuxie.overlap.ngrams import VERBATIM_NGRAM, dense, ngrams
from xuxie.prompts.template import read_template

_COPIED = 0.5
"""With a larger share of the answer's runs of characters standing in the passage, it was recited and not written again."""

_SHORTEST, _LONGEST = 0.5, 2.0
"""Lengths of an answer that are still this passage in other words, over the passage's."""


def questions(passages: Sequence[dict], template_file: str | Path, *, seed: int) -> list[Question]:
    """A question for each passage; the answer is plain text.

    Args:
        passages: the rows that `examine_metrics` wrote.
    """
    template = read_template(template_file, ("passage",))
    return [
        Question(
            id=f"{row['novel']}, chapter {row['chapter']}, passage {number + 1}",
            messages=[{"role": "user", "content": template.substitute(passage=row[TRUE].strip())}],
            sampling={"temperature": 0, "seed": seed, "max_tokens": 2 * len(row[TRUE])},
        )
        for number, row in enumerate(passages)
    ]


def paraphrases(passages: Iterable[dict], outcomes: Iterable[Answered | Failed]) -> Iterator[dict]:
    """A row for each passage: its `text` in other words, or with what it `failed`."""
    for row, outcome in zip(passages, outcomes, strict=True):
        if isinstance(outcome, Failed):
            yield {"text": None, "failed": f"{outcome.reason}: {outcome.detail}"}
            continue
        text = outcome.value.text.strip()
        failed = why_unusable(text, row[TRUE])
        yield {"text": None if failed else text, "failed": failed}


def why_unusable(text: str, passage: str) -> str | None:
    """What keeps an answer from being the passage in other words; None if nothing does."""
    size = len(text) / len(passage)
    if not _SHORTEST <= size <= _LONGEST:
        return f"length: {size:.1f} times the passage's"
    said = list(ngrams(dense(text), VERBATIM_NGRAM))
    known = set(ngrams(dense(passage), VERBATIM_NGRAM))
    if said and sum(gram in known for gram in said) > _COPIED * len(said):
        return f"copied: most runs of {VERBATIM_NGRAM} characters stand in the passage"
    return None


def with_paraphrases(passages: Sequence[dict], written: Sequence[dict]) -> list[dict]:
    """The passages with their paraphrases among what was corrupted, none longer than the passage itself.

    Args:
        written: a row for each passage, or none at all where no LLM was asked.
    """
    if not written:
        return list(passages)
    return [
        {
            **row,
            "corrupted": {
                **row["corrupted"],
                PARAPHRASE: other["text"] and other["text"][: len(row[TRUE])],
            },
        }
        for row, other in zip(passages, written, strict=True)
    ]
