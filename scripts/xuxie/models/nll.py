"""How surprised a causal language model is by a text: negative log-likelihood (NLL) in nats.

The one routine behind the likelihood scorer and the held-out bits per character, so that both
mean the same thing by "likely". Batches are padded on the right, where causal attention cannot
see the padding, and are formed by length, so the order of the items does not change a result.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

Tokens = Sequence[int]

POSITIONS_AT_ONCE = 1024
"""How many positions have their logits in memory at once: with 150,000 tokens in the vocabulary, 0.6 GB in float32."""


def completion_nll(
    model, items: Sequence[tuple[Tokens, Tokens]], *, batch_tokens: int = 4096
) -> list[list[float]]:
    """NLL in nats of each token of each completion after its context.

    Args:
        model: a causal language model of transformers, or a PEFT model around one, in eval mode.
        items: (context ids, completion ids); a context has at least one token, since the first
            token of a text has no probability without one (give the model's BOS, or a newline).
        batch_tokens: how many tokens, padding included, one forward pass holds.

    Returns: A list per item, in the order of the items.
    """
    if any(not context for context, _ in items):
        raise ValueError("a context needs at least one token")
    rows = [(list(context) + list(completion), len(context)) for context, completion in items]
    results: list[list[float]] = [[] for _ in rows]
    for batch in _batches(
        [len(ids) for ids, _ in rows], [len(ids) - start for ids, start in rows], batch_tokens
    ):
        nats = _right_padded_nll(model, [rows[index] for index in batch])
        for index, values in zip(batch, nats, strict=True):
            results[index] = values.tolist()
    return results


def nll_after_context(
    model, context: Tokens, completions: Sequence[Tokens], *, batch_tokens: int = 4096
) -> list[list[float]]:
    """NLL in nats of each token of several completions after one context, which is read only once."""
    if not context:
        raise ValueError("a context needs at least one token")
    *prefix, last = context
    cache = _read(model, prefix) if prefix else None
    if prefix and not hasattr(cache, "batch_repeat_interleave"):
        # A model with custom code and an older form of cache: the same numbers without the saving.
        return completion_nll(
            model,
            [(context, completion) for completion in completions],
            batch_tokens=batch_tokens,
        )
    rows = [([last, *completion], 1) for completion in completions]
    widths = [len(ids) for ids, _ in rows]
    results: list[list[float]] = [[] for _ in rows]
    # The cache counts too: every row of a batch carries a copy of it.
    for batch in _batches(widths, widths, batch_tokens, extra=len(prefix)):
        for index, values in zip(
            batch,
            _right_padded_nll(model, [rows[index] for index in batch], cache, len(prefix)),
            strict=True,
        ):
            results[index] = values.tolist()
    return results


def _batches(
    lengths: list[int], scored: list[int], batch_tokens: int, extra: int = 0
) -> Iterator[list[int]]:
    """Indices of items of like length, at most `batch_tokens` with padding and `POSITIONS_AT_ONCE` scored, one item at least."""
    batch: list[int] = []
    positions = 0
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], -scored[index])):
        width = (lengths[batch[0]] if batch else lengths[index]) + extra
        if batch and (
            (len(batch) + 1) * width > batch_tokens or positions + scored[index] > POSITIONS_AT_ONCE
        ):
            yield batch
            batch, positions = [], 0
        batch.append(index)
        positions += scored[index]
    if batch:
        yield batch


@torch.inference_mode()
def _read(model, ids: list[int]):
    """The cache of keys and values after `ids`; of the logits only the last position is computed."""
    tokens = torch.tensor([ids], device=model.device)
    with head_sees(model, torch.tensor([0]), torch.tensor([len(ids) - 1])):
        return model(input_ids=tokens, use_cache=True).past_key_values


@torch.inference_mode()
def _right_padded_nll(
    model, rows: list[tuple[list[int], int]], cache=None, cached: int = 0
) -> list[torch.Tensor]:
    """NLL of `ids[start:]` for each (ids, start), as float64 on the CPU; `cache` holds `cached` tokens before each row."""
    width = max(len(ids) for ids, _ in rows)
    tokens = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), cached + width, dtype=torch.long)
    for row, (ids, _) in enumerate(rows):
        tokens[row, : len(ids)] = torch.tensor(ids)
        mask[row, : cached + len(ids)] = 1
    # The logits at position p tell the token at p + 1.
    where = [
        (row, position)
        for row, (ids, start) in enumerate(rows)
        for position in range(start - 1, len(ids) - 1)
    ]
    if not where:
        return [torch.zeros(0, dtype=torch.float64) for _ in rows]
    row_of, position_of = torch.tensor(where).T
    arguments = {}
    if cache is not None:
        arguments["past_key_values"] = copy.deepcopy(cache)
        arguments["past_key_values"].batch_repeat_interleave(len(rows))
        arguments["position_ids"] = torch.arange(
            cached, cached + width, device=model.device
        ).expand(len(rows), -1)
    with head_sees(model, row_of, position_of):
        output = model(
            input_ids=tokens.to(model.device),
            attention_mask=mask.to(model.device),
            use_cache=cache is not None,
            **arguments,
        )
    targets = tokens[row_of, position_of + 1].to(output.logits.device)
    values = [
        torch.nn.functional.cross_entropy(logits.float(), target, reduction="none").double().cpu()
        for logits, target in zip(output.logits[0].split(256), targets.split(256), strict=True)
    ]
    return list(torch.cat(values).split([max(0, len(ids) - start) for ids, start in rows]))


@contextmanager
def head_sees(model, row_of: torch.Tensor, position_of: torch.Tensor):
    """Let the output head compute only these positions, as one row of logits.

    A hook in front of the head, rather than a call of the decoder and the head by ourselves, keeps
    whatever the model does to its logits (soft-capping, scaling), also in models with custom code.
    """

    def select(module, arguments):
        hidden = arguments[0]
        return (
            hidden[row_of.to(hidden.device), position_of.to(hidden.device)].unsqueeze(0),
            *arguments[1:],
        )

    hook = model.get_output_embeddings().register_forward_pre_hook(select)
    try:
        yield
    finally:
        hook.remove()
