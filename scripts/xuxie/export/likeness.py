"""Whether a GGUF says what the folder says that it was made from: vocabulary, chat template, stops, and token for token."""

from collections.abc import Sequence
from pathlib import Path

import httpx
import torch
from gguf import GGUFReader

from xuxie.errors import UserError
from xuxie.export.wording import messages_of
from xuxie.gguf_tokenizer import check_tokenizer
from xuxie.llm.embedded import embedded_server

REMEDY = "do not use this file; set `export.quantisations` without it to export the rest, and report it: this is a fault"


class Server:
    """A llama.cpp server that is running.

    Args:
        address, key: of `embedded_server`.
    """

    def __init__(self, address: str, key: str):
        self._client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=600)

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
        answer = self.ask("/completion", prompt=ids, n_predict=count, temperature=0, return_tokens=True, cache_prompt=False)
        return answer["tokens"], answer["stop_type"] == "eos"

    def stops_on(self, ids: list[int], token: int) -> bool:
        """Whether an answer ends if its next token is this one."""
        answer = self.ask("/completion", prompt=ids, n_predict=2, temperature=0, logit_bias=[[token, 1000]], cache_prompt=False)
        return answer["stop_type"] == "eos"


def check_metadata(gguf: Path, tokenizer, stop_ids: set[int]) -> None:
    """Compare what stands in the file with the folder's tokenizer.

    Raises:
        UserError: vocabulary, chat template or end token differ.
    """
    reader = GGUFReader(gguf)

    def field(name: str):
        found = reader.get_field(f"tokenizer.{name}")
        return None if found is None else found.contents()

    tokens, kinds = field("ggml.tokens"), field("ggml.token_type")
    try:
        check_tokenizer(tokenizer, tokens, kinds, add_bos=tokenizer.encode("雨")[0] == tokenizer.bos_token_id)
    except UserError as error:
        raise UserError(error.what, where=str(gguf), remedy=REMEDY) from error
    if field("chat_template") != tokenizer.chat_template:
        raise UserError("the GGUF has another chat template than the folder", where=str(gguf), remedy=REMEDY)
    if field("ggml.eos_token_id") not in stop_ids:
        raise UserError(
            f"the GGUF ends on token {field('ggml.eos_token_id')}, trained was {sorted(stop_ids)}", where=str(gguf), remedy=REMEDY
        )


def check_reading(
    server: Server, rows: Sequence[dict], prompts: Sequence[list[int]], stop_ids: set[int], gguf: Path, system: str | None
) -> None:
    """See that llama.cpp asks with the trained tokens and stops on the trained stops.

    Args:
        prompts: the tokens that each row is asked with.

    Raises:
        UserError: it does not.
    """
    for row, ids in zip(rows, prompts, strict=True):
        if server.tokens(server.prompt(messages_of(row, system))) != ids:
            raise UserError(f"llama.cpp asks with other tokens than were trained (row {row['id']})", where=str(gguf), remedy=REMEDY)
    unheeded = [token for token in sorted(stop_ids) if not server.stops_on(prompts[0], token)]
    if unheeded:
        raise UserError(f"llama.cpp does not stop on token {unheeded}, which ends a trained answer", where=str(gguf), remedy=REMEDY)


def agreement(server: Server, model, prompts: Sequence[list[int]], stop_ids: set[int], count: int) -> tuple[int, int]:
    """Where both take the same token for the likeliest: (positions alike, positions).

    llama.cpp writes; the model then reads prompt and answer and says at each position what it would have
    written, so that one difference is counted once and not in all that follows from it.
    """
    alike = positions = 0
    for ids in prompts:
        written, ended = server.greedy(ids, count)
        with torch.inference_mode():
            logits = model(torch.tensor([ids + written], device=model.device), logits_to_keep=len(written) + 1).logits[0]
        likeliest = logits.argmax(-1).tolist()
        alike += sum(ours == theirs for ours, theirs in zip(likeliest, written, strict=False))
        positions += len(written)
        if ended:
            alike += likeliest[-1] in stop_ids
            positions += 1
    return alike, positions


def compare(
    gguf: Path,
    model,
    tokenizer,
    rows: Sequence[dict],
    prompts: Sequence[list[int]],
    *,
    stop_ids: set[int],
    system: str | None,
    count: int,
    threads: int,
) -> dict:
    """All of the above for one file.

    Args:
        model, tokenizer: of the merged folder.
        rows, prompts: held-out rows, and the tokens that each is asked with.
        count: how many tokens are written after each prompt.

    Returns:
        prompts, positions, alike.
    """
    check_metadata(gguf, tokenizer, stop_ids)
    longest = max(map(len, prompts)) + count + 8
    with embedded_server(gguf, threads=threads, slots=1, context=longest) as (address, key):
        server = Server(address, key)
        check_reading(server, rows, prompts, stop_ids, gguf, system)
        alike, positions = agreement(server, model, prompts, stop_ids, count)
    return {"prompts": len(prompts), "positions": positions, "alike": alike}
