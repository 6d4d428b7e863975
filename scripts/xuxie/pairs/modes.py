"""The ways of the generator, `cut`, `span` and `write`: which questions it is asked, and what its answers become."""

from collections.abc import Iterable, Iterator, Sequence

from xuxie.files.novel_text import read_text
from xuxie.llm import Answered, Failed, Question
from xuxie.pairs import generation, writing
from xuxie.pairs.planning import Plan
from xuxie.pairs.templates import Templates


def questions(
    plans: list[Plan], templates: Sequence[str], mode: str, *, bounded: bool, sampling: dict
) -> list[Question]:
    """A question for each plan.

    Args:
        templates: the files of the mode's prompt templates.
        bounded: an answer in numbers is held to the possible ones while it is decoded.
    """
    asking = Templates.read(templates)
    if mode == "write":
        return [writing.question(plan, asking, sampling=sampling) for plan in plans]
    return [
        generation.question(plan, asking, mode, bounded=bounded, sampling=sampling)
        for plan in plans
    ]


def candidates(
    plans: list[Plan], outcomes: Iterable[Answered | Failed], novel: str | None
) -> Iterator[dict]:
    """The candidate pairs, and the failures.

    Args:
        novel: the file of the text that written pairs are compared with; None where the LLM points.
    """
    if novel:
        return writing.candidates(plans, outcomes, read_text(novel))
    return generation.candidates(plans, outcomes)
