"""Whether a GGUF agrees with the folder that it was made from: in vocabulary, chat template, stops, and token for token."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import torch
from gguf import GGUFReader

from xuxie.errors import UserError
from xuxie.export.chat_template import messages_of
from xuxie.export.quantisations import EXACT
from xuxie.llm.embedded import LONGEST_ANSWER, embedded_server
from xuxie.models.tokenizer import check_tokenizer

REMEDY = "do not use this file; set `export.quantisations` without it to export the rest, and report it: this is a fault"


TOKENS = 64
"""How many tokens are written and compared after each prompt."""

LEAST = 0.99
"""The share of positions at which a file of full precision must have the same likeliest token as the folder."""

logger = logging.getLogger(__name__)


class Server:
    """A llama.cpp server that is running.

    Args:
        address, key: of `embedded_server`.
    """

    def __init__(self, address: str, key: str):
        self._client = httpx.Client(
            base_url=address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=LONGEST_ANSWER,
            trust_env=False,  # no proxy reaches our loopback, or is to
        )

    def ask(self, path: str, **body) -> dict:
        """One answer of the server's own API."""
        answer = self._client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    def tokens(self, text: str) -> list[int]:
        """How llama.cpp reads a text in which special tokens count."""
        return self.ask("/tokenize", content=text, add_special=False, parse_special=True)["tokens"]

    def prompt(self, messages: list[dict]) -> str:
        """What the GGUF's chat template makes of a chat."""
        return self.ask("/apply-template", messages=messages)["prompt"]

    def greedy(self, ids: list[int], count: int) -> tuple[list[int], bool]:
        """(the likeliest tokens after these, whether the model ended by itself)"""
        answer = self._complete(ids, n_predict=count, return_tokens=True)
        return answer["tokens"], answer["stop_type"] == "eos"

    def stops_on(self, ids: list[int], token: int) -> bool:
        """Whether an answer ends if its next token is this one."""
        return self._complete(ids, n_predict=2, logit_bias=[[token, 1000]])["stop_type"] == "eos"

    def _complete(self, ids: list[int], **wanted) -> dict:
        # A GGUF carries the folder's sampling values, its repetition penalty too, and the server would heed them.
        return self.ask(
            "/completion", prompt=ids, temperature=0, repeat_penalty=1, cache_prompt=False, **wanted
        )


@dataclass(frozen=True)
class Source:
    """The merged folder, and how it is asked.

    Attributes:
        model, tokenizer: loaded.
        rows: held-out rows.
        prompts: the tokens that each is asked with.
        stop_ids: the tokens that end an answer.
        system: a system prompt in place of the rows' own.
    """

    model: Any
    tokenizer: Any
    rows: Sequence[dict]
    prompts: Sequence[list[int]]
    stop_ids: set[int]
    system: str | None


def compare(gguf: Path, source: Source, *, count: int, threads: int) -> dict:
    """Compare a GGUF with its source in every way.

    Args:
        count: how many tokens are written after each prompt.

    Returns:
        prompts, positions, and at how many of them the likeliest token is alike.

    Raises:
        UserError: they read, ask or stop otherwise.
    """
    try:
        check_metadata(gguf, source)
        longest = max(map(len, source.prompts)) + count + 8
        with embedded_server(gguf, threads=threads, slots=1, context=longest) as started:
            started.start()
            server = Server(started.address, started.key)
            check_reading(server, source)
            alike, positions = agreement(server, source, count)
    except UserError as error:
        raise UserError(error.what, where=str(gguf), remedy=REMEDY) from error
    return {"prompts": len(source.prompts), "positions": positions, "alike": alike}


def verify(gguf: Path, quantisation: str, source: Source, *, threads: int) -> dict:
    """Compare a GGUF with its source, and refuse it if it should write the same and does not.

    Returns:
        The content of parity.json: what `compare` gives, and the `agreement`, a share.

    Raises:
        UserError: the file reads, asks or stops differently, or it is of full precision and writes other tokens.
    """
    found = compare(gguf, source, count=TOKENS, threads=threads)
    share = found["alike"] / found["positions"]
    logger.info(
        "%s: the same likeliest token at %d of %d positions",
        quantisation,
        found["alike"],
        found["positions"],
    )
    if quantisation in EXACT and share < LEAST:
        raise UserError(
            f"the GGUF writes other tokens than the folder: {share:.1%} alike, {LEAST:.0%} wanted",
            where=str(gguf),
            remedy=REMEDY,
        )
    same = dict.fromkeys(("tokenizer", "chat_template", "stop_tokens"), "same")
    return {"quantisation": quantisation, **found, "agreement": share, **same}


def check_metadata(gguf: Path, source: Source) -> None:
    """Compare what stands in the file with the folder's tokenizer.

    Raises:
        UserError: vocabulary, chat template or end token differ.
    """
    reader = GGUFReader(gguf)

    def field(name: str):
        found = reader.get_field(f"tokenizer.{name}")
        return None if found is None else found.contents()

    add_bos = source.tokenizer.encode("雨")[0] == source.tokenizer.bos_token_id
    check_tokenizer(
        source.tokenizer, field("ggml.tokens"), field("ggml.token_type"), add_bos=add_bos
    )
    if field("chat_template") != source.tokenizer.chat_template:
        raise UserError("the GGUF has another chat template than the folder")
    if field("ggml.eos_token_id") not in source.stop_ids:
        raise UserError(
            f"the GGUF ends on token {field('ggml.eos_token_id')}, trained was {sorted(source.stop_ids)}"
        )


def check_reading(server: Server, source: Source) -> None:
    """Check that llama.cpp reads text and asks with the trained tokens, and stops on the trained stops.

    Raises:
        UserError: it does not.
    """
    for row, ids in zip(source.rows, source.prompts, strict=True):
        if server.tokens(row["output"]) != source.tokenizer.encode(
            row["output"], add_special_tokens=False
        ):
            raise UserError(
                f"llama.cpp reads text as other tokens than were trained (row {row['id']})"
            )
        if server.tokens(server.prompt(messages_of(row, source.system))) != ids:
            raise UserError(f"llama.cpp asks with other tokens than were trained (row {row['id']})")
    unheeded = [
        token for token in sorted(source.stop_ids) if not server.stops_on(source.prompts[0], token)
    ]
    if unheeded:
        raise UserError(f"llama.cpp does not stop on token {unheeded}, which ends a trained answer")


def agreement(server: Server, source: Source, count: int) -> tuple[int, int]:
    """Where both take the same token for the likeliest: (positions alike, positions).

    llama.cpp writes; the model then reads prompt and answer and says at each position what it would have
    written, so that one difference is counted once and not in all that follows from it.
    """
    alike = positions = 0
    for ids in source.prompts:
        written, ended = server.greedy(ids, count)
        with torch.inference_mode():
            tokens = torch.tensor([ids + written], device=source.model.device)
            likeliest = (
                source.model(tokens, logits_to_keep=len(written) + 1).logits[0].argmax(-1).tolist()
            )
        alike += sum(ours == theirs for ours, theirs in zip(likeliest, written, strict=False))
        positions += len(written)
        if ended:
            alike += likeliest[-1] in source.stop_ids
            positions += 1
    return alike, positions
