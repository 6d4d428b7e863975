"""What both roles will take, before anything is asked: calls, tokens and money.

The questions are the real ones, as far as they are known before the generator has answered; of what an LLM
adds (answers, and the texts of pairs in the judge's questions) the middle of what is allowed or usual is taken.
Attempts after an unusable answer are not foreseen.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from xuxie.llm import Question, Usage
from xuxie.llm.structured import described
from xuxie.llm.usage import Price
from xuxie.pairs.generation import read_template
from xuxie.pairs.passage import messages
from xuxie.pairs.planning import Plan

CACHE_BLOCK = 64  # tokens; what providers keep of a prompt's beginning is whole blocks (DeepSeek's are the smallest)
ANSWER = 75  # tokens a pair: the numbers or marks with a reason, as JSON (mean of 4,844 tokens for 64 pairs of the sample novel)


@dataclass(frozen=True)
class Role:
    """Who is asked: the endpoint's name, its prices, and how its answers are structured."""

    endpoint: str
    price: Price
    structured: str

    def usage(self, input: int, cached: int, output: int) -> Usage:
        """One call."""
        return Usage(input, cached, output, self.price.of(input, cached, output), 1)


def of_generator(
    questions: Iterable[Question], plans: Iterable[Plan], role: Role, *, mode: str
) -> Usage:
    """What the generator's questions take, without luck in the cache: each is the first about its chunk."""
    total = Usage()
    for question, plan in zip(questions, plans, strict=True):
        written = sum(_characters(plan)) if mode == "write" else 0
        cached = _cached(tokens_of(question.messages[0]["content"]))
        total += role.usage(
            _input(question, role), cached, ANSWER * len(plan.slots) + _as_tokens(written)
        )
    return total


def of_judge(
    plans: Iterable[Plan], wording: str, role: Role, *, calibration: float, after: Role
) -> Usage:
    """What the judge's questions take, if every pair is found.

    Args:
        wording: the folder of prompt templates.
        calibration: the share of pairs that is marked twice.
        after: the generator's role. At the same endpoint the chunk is still in the provider's cache, if that keeps it so long.
    """
    system, task = read_template(wording, "system"), read_template(wording, "judge")
    total = Usage()
    for plan in plans:
        shared = messages(system, plan.chunk["text"], "")
        prefix = sum(tokens_of(message["content"]) for message in shared)
        pairs = _as_tokens(sum(_characters(plan))) * (1 + calibration)
        cached = _cached(prefix if role.endpoint == after.endpoint else tokens_of(system))
        total += role.usage(
            round(prefix + tokens_of(task) + pairs),
            cached,
            round(ANSWER * len(plan.slots) * (1 + calibration)),
        )
    return total


def tokens_of(text: str) -> int:
    """About how many tokens a text has: 0.8 a character of Chinese (0.75 to 0.9 in three novels, Qwen2.5), 0.27 of ASCII."""
    ascii_characters = sum(character.isascii() for character in text)
    return round(0.27 * ascii_characters + 0.8 * (len(text) - ascii_characters))


def _input(question: Question, role: Role) -> int:
    # Unless the endpoint is known to take a schema as such, it may have to be said in words.
    asked = described(
        question.messages, question.schema, "schema" if role.structured == "schema" else "text"
    )
    return sum(tokens_of(message["content"]) for message in asked)


def _characters(plan: Plan) -> list[float]:
    """The length of each pair in the middle of its class."""
    return [(sum(length.prompt) + sum(length.completion)) / 2 for length, _ in plan.slots]


def _as_tokens(characters: float) -> int:
    return round(0.8 * characters)


def _cached(tokens: int) -> int:
    return tokens // CACHE_BLOCK * CACHE_BLOCK
