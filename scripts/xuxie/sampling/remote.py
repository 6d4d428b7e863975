"""Samples of a model behind an OpenAI-compatible endpoint (a provider, Ollama, vLLM, the embedded server), which words prompts in its own template."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm import Endpoint, Failed, Question, ask_all
from xuxie.prompts.question import question
from xuxie.sampling.memory import Remember
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.turns import Story


def sample_remote(
    endpoint: Endpoint,
    rows: Sequence[dict],
    *,
    name: str,
    journal: Path,
    parameters: SamplingParameters,
    seed: int,
    system: str | None,
    max_new_tokens: int,
    target_chars: int = 0,
    remembering: dict[str, Remember] | None = None,
    budget: dict | None = None,
) -> dict[str, dict]:
    """Let an endpoint's model continue each row's prompt, a turn of all stories at a time.

    Temperature, top-p and seed are sent; top-k and repetition penalty are no part of the protocol, so they go
    where the endpoint's `extra_body` puts them, under the names that its server knows.

    Args:
        remembering: by novel how its questions are told of what the context has lost; see `Story`.
        journal: folder of the journal of all paid answers.
        budget: `tokens` and `money` that the journal's calls may take in all (see `Budget`).

    Returns:
        By row id, see `Story.output`; prompt_tokens and tokens as the endpoint counts them.

    Raises:
        UserError: the endpoint does not answer, refuses, or may not be asked (the budget, or offline); samples so far are kept.
    """

    def ask(story: Story) -> Question:
        turn, *again = story.turn
        return Question(
            id=f"{story.row['id']}, turn {turn + 1}",
            messages=_messages(_fitting(story, endpoint.settings.context), system),
            sampling={
                "temperature": parameters.temperature,
                "top_p": parameters.top_p,
                "max_tokens": max_new_tokens,
                "seed": _seed(seed, story.row["id"], turn, *again),
            },
        )

    remembering = remembering or {}
    stories = [Story(row, remember=remembering.get(row.get("novel", ""))) for row in rows]
    while unfinished := [story for story in stories if story.continues(target_chars)]:
        outcomes = ask_all(
            endpoint,
            [ask(story) for story in unfinished],
            journal=journal,
            budget=budget,
            label=f"samples of {name}",
        )
        for story, outcome in zip(unfinished, outcomes, strict=True):
            if isinstance(outcome, Failed):
                raise UserError(
                    f"the endpoint gave no sample: {outcome.reason}: {outcome.detail}",
                    where=f"sampling.systems: {name}, {outcome.id}",
                    remedy="see to the cause, or take the system off the list; samples so far are kept",
                )
            answer = outcome.value
            story.add(
                answer.text,
                stop="length" if answer.finish == "length" else "natural",
                tokens=answer.output,
                prompt_tokens=answer.input,
                seconds=answer.seconds,
            )
    return {story.row["id"]: story.output() for story in stories}


def _fitting(story: Story, context: int) -> dict:
    """The next ask, without the beginning of the story if that outgrows the endpoint's `context`: a character is taken for a token."""
    for ask in story.asks():
        if (
            sum(map(len, [ask["input"], *(text for turn in ask["history"] for text in turn)]))
            <= context
        ):
            break
    return ask


def _messages(ask: dict, system: str | None) -> list[dict]:
    told = ask["system"] if system is None else system
    messages = [{"role": "system", "content": told}] if told else []
    for user, assistant in ask["history"]:
        messages += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return [*messages, {"role": "user", "content": question(ask["instruction"], ask["input"])}]


def _seed(*shaped_by: int | str) -> int:
    # 31 bits: some servers read a signed 32-bit number.
    digest = hashlib.sha256("\0".join(map(str, shaped_by)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
