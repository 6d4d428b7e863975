"""Samples of a model behind an OpenAI-compatible endpoint (a provider, Ollama, vLLM, the embedded server), which words prompts in its own template."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import openai

from xuxie.errors import UserError
from xuxie.llm.budget import Budget, TokenEstimate
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.journal import Journal
from xuxie.prompts.question import question
from xuxie.sampling.cache import answer_key, keep, recall
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.turns import Story

logger = logging.getLogger(__name__)


def sample_remote(
    endpoint: Endpoint,
    rows: Sequence[dict],
    *,
    name: str,
    journal: Journal,
    parameters: SamplingParameters,
    seed: int,
    system: str | None,
    max_new_tokens: int,
    target_chars: int = 0,
    budget: dict | None = None,
) -> dict[str, dict]:
    """Let an endpoint's model continue each row's prompt, as many at once as `concurrency` of the endpoint says.

    Temperature, top-p and seed are sent; top-k and repetition penalty are no part of the protocol, so they go
    where the endpoint's `extra_body` puts them, under the names that its server knows.

    Args:
        journal: of all paid answers.
        budget: `tokens` and `money` that the journal's calls may take in all (see `Budget`).

    Returns:
        By row id, see `Story.output`; prompt_tokens and tokens as the endpoint counts them.

    Raises:
        UserError: the endpoint does not answer, refuses, or may not be asked (the budget, or offline); samples so far are kept.
    """
    calls = _Calls(endpoint, journal, budget)

    def answer(row: dict, turn: int, ask: dict) -> dict:
        body = {
            "messages": _messages(ask, system),
            "temperature": parameters.temperature,
            "top_p": parameters.top_p,
            "max_tokens": max_new_tokens,
            "seed": _seed(seed, row["id"], turn),
            "extra_body": endpoint.settings.extra_body,
        }
        found, asked_now = calls.answer(body)
        if asked_now:
            logger.info(
                "%s: %s, turn %d: %d tokens, %s stop",
                name,
                row["id"],
                turn + 1,
                found["tokens"],
                found["stop"],
            )
        return found

    def write(row: dict) -> dict:
        story = Story(row)
        while story.continues(target_chars):
            story.add(**answer(row, len(story.turns), _fitting(story, endpoint.settings.context)))
        return story.output()

    with ThreadPoolExecutor(endpoint.settings.concurrency) as pool:
        try:
            return dict(zip([row["id"] for row in rows], pool.map(write, rows), strict=True))
        except openai.OpenAIError as error:
            raise UserError(
                f"the endpoint gave no sample: {endpoint.redact(str(error))}",
                where=f"endpoints, sampling.systems: {name}",
                remedy="see whether it runs, and whether its key and model are right; samples so far are kept",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)
            calls.close()


class _Calls:
    """Answers of an endpoint, for many threads: from the journal, or paid for within the budget and kept there."""

    def __init__(self, endpoint: Endpoint, journal: Journal, budget: dict | None):
        self._endpoint, self._journal = endpoint, journal
        self._budget, self._estimate = Budget(budget, journal, endpoint.price), TokenEstimate()
        self._one_at_a_time = threading.Lock()  # for journal and budget
        settings = endpoint.settings
        self._client = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key or "none",
            timeout=settings.timeout,
            max_retries=settings.tries,
        )

    def answer(self, body: dict) -> tuple[dict, bool]:
        """What `Story.add` takes, and whether it was asked for now."""
        key = answer_key("sample", self._endpoint.identity, body)
        with self._one_at_a_time:
            known = recall(self._journal, key)
        if known is not None:
            return known, False
        if self._endpoint.offline:
            raise UserError(
                "a sample is not in the journal, and the endpoint may not be asked",
                where=f"{self._journal.folder}, model {self._endpoint.identity}",
                remedy="import a journal that holds it, or set llm.offline: false",
            )
        size = len(json.dumps(body["messages"], ensure_ascii=False).encode())
        prompt = self._estimate.prompt(size)
        aside = self._set_aside(prompt, body["max_tokens"])
        try:
            start = time.perf_counter()
            reply = self._client.chat.completions.create(model=self._endpoint.model, **body)
            choice, usage = reply.choices[0], reply.usage
            found = {
                "text": choice.message.content or "",
                "stop": "length" if choice.finish_reason == "length" else "natural",
                "tokens": usage.completion_tokens if usage else 0,
                "prompt_tokens": usage.prompt_tokens if usage else 0,
                "seconds": time.perf_counter() - start,
            }
            tokens = (
                (usage.prompt_tokens, 0, usage.completion_tokens)
                if usage
                else (prompt, 0, body["max_tokens"])
            )
            with self._one_at_a_time:
                if usage:
                    self._estimate.learn(size, usage.prompt_tokens)
                keep(
                    self._journal,
                    key,
                    self._endpoint.identity,
                    found,
                    tokens,
                    self._endpoint.price.of(*tokens),
                )
            return found, True
        finally:
            with self._one_at_a_time:
                self._budget.settle(aside)

    def _set_aside(self, input: int, output: int) -> dict[str, float]:
        while True:
            with self._one_at_a_time:
                aside = self._budget.set_aside(input, output)
            if aside is not None:
                return aside
            time.sleep(0.1)

    def close(self) -> None:
        """Give back the connections, and what is set aside."""
        self._client.close()
        self._budget.close()


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


def _seed(seed: int, row: str, turn: int) -> int:
    # 31 bits: some servers read a signed 32-bit number.
    return (
        int.from_bytes(hashlib.sha256(f"{seed}\0{row}\0{turn}".encode()).digest()[:4], "big") >> 1
    )
