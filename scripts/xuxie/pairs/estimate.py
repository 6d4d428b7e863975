"""What both roles will take, before anything is asked: calls, tokens and money.

The questions are the real ones, as far as they are known before the generator has answered. Of answers, a typical one is
counted; of pairs in the judge's questions, the mean length of those that the chunk offers. Neither attempts after an unusable
answer nor what a model thinks before it answers are foreseen.
"""

import json
import os.path
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from xuxie.llm import Question, Usage
from xuxie.llm.structured import described
from xuxie.llm.tariff import Tariff
from xuxie.llm.usage import Price
from xuxie.pairs.passage import messages, slot
from xuxie.pairs.planning import Plan
from xuxie.pairs.rubric import CRITERIA, Marks
from xuxie.pairs.templates import read_templates

Count = Callable[[str], int]
"""Tokens of a text."""

CACHE_BLOCK = 64  # tokens; what providers keep of a prompt's beginning is whole blocks (DeepSeek's are the smallest)
MESSAGE = 5  # tokens around each message, and as many that begin the answer (ChatML's)

#: Tokens of a character. Today's tokenizers take 0.7 to 1.0 for one of Chinese prose, a token for four to five letters
#: of English, and one for nearly each digit.
_OTHER, _DIGIT, _MARK, _LETTER = 0.8, 0.9, 0.65, 0.2

_REASON = "人物与话头相接，情节由此转折，自成一段。"  # of a usual length


@dataclass(frozen=True)
class Role:
    """Who is asked.

    Attributes:
        endpoint: its name.
        price: its prices; where they depend on the hour, those of most hours.
        in_words: the form of answers is part of what is read; a server of our own holds answers to it without.
        count: its tokens, or about how many.
        spelt: it is held to the form of an answer while it writes, as a server of our own is.
    """

    endpoint: str
    price: Price
    in_words: bool
    count: Count
    spelt: bool = False

    def usage(self, input: int, cached: int, output: int) -> Usage:
        """One call."""
        return Usage(input, cached, output, self.price.of(input, cached, output), 1)


def of_generator(
    questions: Sequence[Question], plans: Iterable[Plan], role: Role, *, mode: str
) -> Usage:
    """What the generator's questions take. Of a question, what it begins with like the one before may come from the cache."""
    asked = [_asked(question, role) for question in questions]
    cached = [0, *(_cached(one, other, role) for one, other in pairwise(asked))]
    total = Usage()
    for text, question, known, plan in zip(asked, questions, cached, plans, strict=True):
        answer = _written(_answer(plan, mode), role)
        total += role.usage(_input(text, question.messages, role), known, answer)
    return total


def of_judge(
    plans: Iterable[Plan], templates: Sequence[str], role: Role, *, mode: str, calibration: float
) -> Usage:
    """What the judge's questions take, if every pair is found.

    Args:
        templates: the files of the judge's prompt templates.
        mode: the generator's.
        calibration: the share of pairs that is marked twice.
    """
    system, (template,) = read_templates(templates)
    task = template.template
    rubric = Question("", messages(system, task), Marks)
    shared = _input(_asked(rubric, role), rubric.messages, role)
    answer = _written({"reason": _REASON, **dict.fromkeys(CRITERIA, 8)}, role)
    pairs, read = 0, 0.0
    for plan in plans:
        each = role.count(plan.chunk["text"]) / len(plan.chunk["text"])
        pairs += len(plan.slots)
        read += sum(each * sum(_lengths(plan, place, mode)) for place in range(len(plan.slots)))
    calls = round(pairs * (1 + calibration))
    input = round(calls * shared + read * (1 + calibration))
    cached = calls * (role.count(system + task) // CACHE_BLOCK * CACHE_BLOCK)
    return Usage(input, cached, calls * answer, role.price.of(input, cached, calls * answer), calls)


def about(text: str) -> int:
    """About how many tokens a text has for a tokenizer that is not known (see `_OTHER`, `_DIGIT`, `_MARK`, `_LETTER`)."""
    count = 0.0
    for character in text:
        if not character.isascii():
            count += _OTHER
        elif character.isdigit():
            count += _DIGIT
        else:
            count += _LETTER if character.isalpha() or character == " " else _MARK
    return round(count)


def _asked(question: Question, role: Role) -> str:
    """All that a question says, in one piece."""
    asked = question.messages
    if question.schema and role.in_words:
        asked = described(asked, question.schema, "text")
    return "\n".join(message["content"] for message in asked)


def _input(text: str, asked: list[dict], role: Role) -> int:
    return role.count(text) + MESSAGE * (len(asked) + 1)


def _cached(text: str, before: str, role: Role) -> int:
    return role.count(os.path.commonprefix([text, before])) // CACHE_BLOCK * CACHE_BLOCK


def _written(answer: dict, role: Role) -> int:
    """The tokens of an answer, and of its end.

    A form that is held to while writing is written with line ends, and a mark at a time.
    """
    text = json.dumps(answer, ensure_ascii=False, indent=2 if role.spelt else None)
    marks = sum(character.isascii() and not character.isalnum() for character in text)
    marks -= text.count(" ")
    return role.count(text) + 1 + (round((1 - _MARK) * marks) if role.spelt else 0)


def _answer(plan: Plan, mode: str) -> dict:
    """A typical answer of the generator."""
    if mode == "cut":
        return {slot(place): 12 for place in range(len(plan.slots))}
    if mode == "span":
        ends = {"prompt_first": 3, "completion_first": 12, "completion_last": 18}
        return {slot(place): {"why": _REASON, **ends} for place in range(len(plan.slots))}
    text, written = plan.chunk["text"], {}
    for place in range(len(plan.slots)):
        prompt, completion = _lengths(plan, place, mode)
        enough = text * (1 + round(prompt + completion) // len(text))
        written[slot(place)] = enough[: round(prompt + completion)]
    return written


def _lengths(plan: Plan, place: int, mode: str) -> tuple[float, float]:
    """Characters of a pair's prompt and completion: where the LLM writes, the middle of its class, or else the mean of what is offered."""
    length, cuts = plan.slots[place]
    if mode == "write":
        return fmean(length.prompt), fmean(length.completion)
    edges = plan.sentences.edges
    edge = [edges[cut.completion_first - 1] for cut in cuts]
    starts = [fmean(edges[first - 1] for first in cut.prompt_firsts) for cut in cuts]
    ends = [fmean(edges[last] for last in cut.completion_lasts) for cut in cuts]
    return fmean(edge) - fmean(starts), fmean(ends) - fmean(edge)


HEADINGS = ("novel", "role", "endpoint", "calls", "input", "cached", "output", "money")


def table(rows: Sequence[tuple[str, str, str, Usage]], priced: set[str]) -> str:
    """Rows of novel, role, endpoint and what it takes, and their total, to be printed.

    Args:
        priced: the endpoints whose prices are known.
    """
    total = sum((usage for *_, usage in rows), Usage())
    lines = [HEADINGS, *((*names, *_cells(usage, names[-1] in priced)) for *names, usage in rows)]
    lines.append(
        ("total", "", "", *_cells(total, any(endpoint in priced for _, _, endpoint, _ in rows)))
    )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:{'<' if place < 3 else '>'}{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def by_hours(rows: Sequence[tuple[str, str, str, Usage]], tariffs: dict[str, Tariff]) -> list[str]:
    """A line for each hours of an endpoint with prices of their own: what all of its questions would cost then."""
    lines = []
    for endpoint, tariff in tariffs.items():
        asked = sum((usage for *_, name, usage in rows if name == endpoint), Usage())
        for hours in tariff.hours if asked.calls else ():
            money = hours.price.of(asked.input, asked.cached, asked.output)
            lines.append(
                f"{endpoint}: {money:.4f} if all of it comes at {hours.name} ({hours.when}) and not"
                f" at other hours, for {asked.cost:.4f}."
            )
    return lines


def both_ways(
    rows: Sequence[tuple[str, str, str, Usage]], tariffs: dict[str, Tariff], batched: set[str]
) -> list[str]:
    """For each endpoint of known prices, what its rows cost directly and by batch, to be printed.

    Requests of a batch are carried out in no order, so that nothing of them is taken to come from a cache.

    Args:
        batched: the endpoints that are asked by batch.
    """
    lines = []
    for endpoint, tariff in tariffs.items():
        taken = sum((usage for *_, name, usage in rows if name == endpoint), Usage())
        if taken.calls and tariff.is_known:
            batch = tariff.price.of(taken.input, 0, taken.output, by_batch=True)
            way = "the latter" if endpoint in batched else "the former"
            lines.append(
                f"{endpoint}: {taken.cost:.4f} if asked directly, {batch:.4f} if by batch;"
                f" endpoints.{endpoint}.batch says {way}."
            )
    return lines


def _cells(usage: Usage, priced: bool) -> tuple[str, ...]:
    counts = (usage.calls, usage.input, usage.cached, usage.output)
    return (*(f"{count:,}" for count in counts), f"{usage.cost:.4f}" if priced else "-")
