"""Gates that look at the template's markers: the tokenizer must read each as one token, and the model must have met it."""

import re

import torch

from xuxie.prompts.prompting import Prompting
from xuxie.training.gates import Finding, Gate

UNUSED = re.compile(r"<\|?(unused|reserved|extra|dummy|placeholder)[_a-z]*_?\d+\|?>", re.IGNORECASE)

UNTRAINED = 0.95
"""Cosine to an entry of the table that no text uses, above which a token counts as never trained. In Gemma 3 (base)
the chat tokens have 0.96 and 0.99, in an instruction-tuned Qwen2.5 0.88 and 0.93."""


def special_token_gate(prompting: Prompting, table_size: int) -> Gate:
    """Every marker of the template is a single token that survives a round trip through the tokenizer, and the model has an embedding for it.

    Args:
        prompting: the template that is trained.
        table_size: how many tokens the model has embeddings for.
    """
    tokenizer, findings, markers = prompting.tokenizer, [], prompting.markers
    for marker in markers:
        ids = tokenizer.encode(marker, add_special_tokens=False)
        if len(ids) != 1 or tokenizer.decode(ids, skip_special_tokens=False) != marker:
            findings.append(
                Finding(
                    marker,
                    f"{marker} is read as the tokens {ids}, which spell {tokenizer.decode(ids)!r}",
                    f"the tokenizer does not know the template {prompting.template_name}: choose the one its model was made with, or, "
                    "if the tokenizer was made from a GGUF, take the model's own from a hub",
                )
            )
        elif ids[0] >= table_size:
            findings.append(
                Finding(
                    marker,
                    f"{marker} is new to the tokenizer, and its number {ids[0]} is past the model's {table_size} tokens",
                    f"the template {prompting.template_name} is not this model's: choose another",
                )
            )
    for stop in sorted(prompting.stop_ids):
        text = tokenizer.decode([stop], skip_special_tokens=False)
        if tokenizer.encode(text, add_special_tokens=False) != [stop]:
            findings.append(
                Finding(
                    text,
                    f"the stop token {stop} ({text!r}) does not come back from its own text",
                    "take the model's own tokenizer",
                )
            )
    return Gate(
        "the template's markers are single tokens",
        len(markers) + len(prompting.stop_ids),
        tuple(findings),
    )


def trained_marker_gate(prompting: Prompting, table: torch.Tensor, additional_target: str) -> Gate:
    """A base model has met the template's markers before, or their embeddings are trained too.

    A marker that was never trained lies where the unused entries of the table lie; LoRA leaves the table unchanged,
    and the model has to tell its stop token from thousands that look the same. Training `embed_tokens` alone does not
    help: the copy that is trained only reads, and the table that writes stays as it was, even where the base ties the
    two.

    Args:
        prompting: the template that is trained.
        table: the model's embeddings, one row for each token.
        additional_target: the modules that are trained in full beside LoRA.
    """
    name = "the template's markers mean something to the model"
    tokenizer, markers = prompting.tokenizer, prompting.markers
    # Qwen-1's tokenizer names its tokens in bytes.
    unused = [
        index
        for token, index in tokenizer.get_vocab().items()
        if isinstance(token, str) and UNUSED.fullmatch(token) and index < len(table)
    ]
    unused += range(len(tokenizer), len(table))
    if not markers or not unused:
        why = (
            "the template has no markers of its own"
            if not markers
            else "the model has no unused tokens to compare with"
        )
        return Gate(name, 0, (), note=why)
    trained = {module.strip() for module in additional_target.split(",")}
    if trained >= {"embed_tokens", "lm_head"}:
        return Gate(name, len(markers), (), note="both their embeddings are trained along")
    empty = torch.nn.functional.normalize(table[unused].float(), dim=1)
    findings = []
    for marker in markers:
        ids = tokenizer.encode(marker, add_special_tokens=False)
        # Others are findings of `special_token_gate`.
        if len(ids) == 1 and ids[0] < len(table):
            similarity = (
                (empty @ torch.nn.functional.normalize(table[ids[0]].float(), dim=0)).max().item()
            )
            if similarity > UNTRAINED:
                findings.append(
                    Finding(
                        marker,
                        f"the embedding of {marker} is that of an unused token (cosine {similarity:.3f}): the model never met it",
                        "choose a template of plain words that ends with the model's own end-of-text token (`default`, `alpaca`), "
                        "or train along what reads and what writes them: adapters.*.train.additional_target: embed_tokens,lm_head",
                    )
                )
    return Gate(name, len(markers), tuple(findings))
