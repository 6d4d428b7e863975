"""Samples of a model behind an OpenAI-compatible endpoint (a provider, Ollama, vLLM, the embedded server), which words prompts in its own template."""

import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import openai

from xuxie.errors import UserError
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.journal import Journal
from xuxie.sampling.drawing import Drawing
from xuxie.sampling.kept import answer_key, keep, recall
from xuxie.sampling.turns import Story, question

logger = logging.getLogger(__name__)


def sample_remote(
    endpoint: Endpoint,
    rows: Sequence[dict],
    *,
    name: str,
    journal: Journal,
    drawing: Drawing,
    seed: int,
    system: str | None,
    max_new_tokens: int,
    target_chars: int = 0,
) -> dict[str, dict]:
    """Let an endpoint's model continue each row's prompt, as many at once as `concurrency` of the endpoint says.

    Temperature, top-p and seed are sent; top-k and repetition penalty are no part of the protocol, so they go
    where the endpoint's `extra_body` puts them, under the names that its server knows.

    Returns:
        By row id, see `Story.output`; prompt_tokens and tokens as the endpoint counts them.

    Raises:
        UserError: the endpoint does not answer, or refuses.
    """
    client = openai.OpenAI(
        base_url=endpoint.base_url, api_key=endpoint.key, timeout=endpoint.settings.timeout, max_retries=endpoint.settings.tries
    )
    writing = threading.Lock()

    def answer(row: dict, turn: int, ask: dict) -> dict:
        body = {
            "model": endpoint.model,
            "messages": _messages(ask, system),
            "temperature": drawing.temperature,
            "top_p": drawing.top_p,
            "max_tokens": max_new_tokens,
            "seed": _seed(seed, row["id"], turn),
            "extra_body": endpoint.settings.extra_body,
        }
        key = answer_key("sample", endpoint.identity, {field: value for field, value in body.items() if field != "model"})
        with writing:
            known = recall(journal, key)
        if known is None:
            start = time.perf_counter()
            reply = client.chat.completions.create(**body)
            choice = reply.choices[0]
            known = {
                "text": choice.message.content or "",
                "stop": "length" if choice.finish_reason == "length" else "natural",
                "tokens": reply.usage.completion_tokens if reply.usage else 0,
                "prompt_tokens": reply.usage.prompt_tokens if reply.usage else 0,
                "seconds": time.perf_counter() - start,
            }
            with writing:
                keep(journal, key, endpoint.identity, known)
            logger.info("%s: %s, turn %d: %d tokens, %s stop", name, row["id"], turn + 1, known["tokens"], known["stop"])
        return known

    def write(row: dict) -> dict:
        story = Story(row)
        while story.continues(target_chars):
            story.add(**answer(row, len(story.turns), _fitting(story, endpoint.settings.context)))
        return story.output()

    with ThreadPoolExecutor(endpoint.settings.concurrency) as pool:
        try:
            return dict(zip([row["id"] for row in rows], pool.map(write, rows), strict=True))
        except openai.OpenAIError as error:
            pool.shutdown(cancel_futures=True)
            raise UserError(
                f"the endpoint gave no sample: {endpoint.redact(str(error))}",
                where=f"endpoints, sampling.systems: {name}",
                remedy="see whether it runs, and whether its key and model are right; samples so far are kept",
            ) from error


def _fitting(story: Story, context: int) -> dict:
    """The next ask, without the beginning of the story if that outgrows the endpoint's `context`: a character is taken for a token."""
    for ask in story.asks():
        if sum(map(len, [ask["input"], *(text for turn in ask["history"] for text in turn)])) <= context:
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
    return int.from_bytes(hashlib.sha256(f"{seed}\0{row}\0{turn}".encode()).digest()[:4], "big") >> 1
