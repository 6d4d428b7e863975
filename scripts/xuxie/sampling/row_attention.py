"""Several rows take a step together, each with the very result that it would have alone.

In bfloat16 the last bits of a forward pass depend on the shape of the batch, and one flipped bit
sooner or later leads to another token, after which the sample diverges. So nothing here lets a row
meet its neighbours: every prompt is read alone and unpadded; every row keeps its own keys and values
and attends to those alone; and the matrix products, which the rows share, always see a multiple of
eight rows, for which the CPU's libraries give a row the same bits whatever stands beside it
(measured, not promised by them: `benchmarks/sampling`).
"""

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, DynamicCache

from xuxie.models.nll import head_sees
from xuxie.overlap.prefixes import common_prefix

logger = logging.getLogger(__name__)

_ROWS = 8
_ATTENTION = "xuxie_rows"


class RowCache:
    """Keys and values of one row, in buffers as long as the row can get."""

    def __init__(self, prompt_cache: DynamicCache, room: int):
        self.length = prompt_cache.get_seq_length()
        self.layers = []
        layers: Any = (
            prompt_cache.layers
        )  # of the kind that has keys and values: see `RowWise.fits`
        for layer in layers:
            buffers = []
            for part in (layer.keys, layer.values):
                buffer = part.new_empty((*part.shape[:2], self.length + room, part.shape[3]))
                buffer[:, :, : self.length] = part
                buffers.append(buffer)
            self.layers.append(buffers)

    def append(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> list[torch.Tensor]:
        """Store one position of one layer and return all keys and values there."""
        whole = []
        for buffer, part in zip(self.layers[layer], (keys, values), strict=True):
            buffer[:, :, self.length : self.length + 1] = part
            whole.append(buffer[:, :, : self.length + 1])
        return whole


class _RowsCache:
    """A cache, as a model of transformers sees it during one step, that hands out lists of the rows' own keys and values."""

    is_compileable = False

    def __init__(self, rows: Sequence[RowCache]):
        self.rows = rows

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_, **__):
        return zip(
            *(
                row.append(layer, keys[i : i + 1], values[i : i + 1])
                for i, row in enumerate(self.rows)
            ),
            strict=True,
        )

    def get_seq_length(self, *_) -> int:
        return max(row.length for row in self.rows)


def _attend_by_row(
    module,
    query,
    keys,
    values,
    attention_mask,
    scaling=None,
    sliding_window=None,
    s_aux=None,
    softcap=None,
    **_,
):
    """Attention of one new position of each row over that row's keys alone; rows that only fill the batch up get zeros.

    Raises:
        TypeError: the model's attention has more to it: sinks, which take weight from the keys, or capped logits.
    """
    if s_aux is not None or softcap:
        raise TypeError("attention sinks" if s_aux is not None else "capped logits")
    output = torch.zeros_like(query)
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        if sliding_window:
            key, value = key[:, :, -sliding_window:], value[:, :, -sliding_window:]
        # Heads that share their keys stand as positions of one head: torch would copy the keys for each.
        grouped = query[i : i + 1].reshape(1, key.shape[1], -1, query.shape[-1])
        attended = torch.nn.functional.scaled_dot_product_attention(
            grouped, key, value, scale=scaling
        )
        output[i] = attended.reshape(output[i].shape)
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(_ATTENTION, _attend_by_row)


def _text_config(model):
    """The config that a model's text follows from, which is a part of the whole where the model also sees or hears."""
    return getattr(model, "get_base_model", lambda: model)().config.get_text_config()


@contextmanager
def _attending_by_row(model):
    config = _text_config(model)
    before = config._attn_implementation
    config._attn_implementation = _ATTENTION
    try:
        yield
    finally:
        config._attn_implementation = before


class RowWise:
    """Reads prompts of a model and takes steps with several of them at once."""

    def __init__(self, model):
        self._model = model

    @classmethod
    def fits(cls, model) -> bool:
        """Whether the row-wise attention works on this model: tried on three tokens, against a plain forward pass."""
        config = _text_config(model)
        if set(getattr(config, "layer_types", None) or []) - {
            "full_attention",
            "sliding_attention",
        } or getattr(config, "attn_logit_softcapping", None):
            return False
        first, second, third = (token % config.vocab_size for token in (1, 2, 3))
        reader = cls(model)
        try:
            cache, _ = reader.read([[first, second]], 1)
            got = reader.step([third], [cache])[0]
            _, wanted = reader.read([[first, second, third]], 1)
        except (TypeError, AttributeError, ValueError, KeyError) as error:
            logger.info("row-wise attention does not fit %s: %s", type(model).__name__, error)
            return False
        return (
            torch.nn.functional.cosine_similarity(got.float(), wanted.float(), dim=0).item() > 0.99
        )

    def read(
        self, prompts: Sequence[list[int]], room: int, before: RowCache | None = None
    ) -> tuple[RowCache, torch.Tensor]:
        """Read the last of a row's prompts; return its cache, with room for so many more positions, and the next logits.

        What a prompt has in common with the one before is not read again. The products see the same pieces whether the one before
        has just been read or is read anew, so that its keys and values have the same bits.

        Args:
            prompts: of the row's turns, in order; each begins as the one before does.
            before: the cache of the last but one, if it is still there.
        """
        # Without the model's config a DynamicCache keeps all positions, also of layers that look back through a window.
        cache, known = DynamicCache(), 0
        if before is not None:
            known = self._shared(prompts[-2], prompts[-1])
            for layer, (keys, values) in enumerate(before.layers):
                cache.update(
                    keys[:, :, :known].contiguous(), values[:, :, :known].contiguous(), layer
                )
            prompts = prompts[-1:]
        for number, ids in enumerate(prompts):
            if number:
                known = self._shared(prompts[number - 1], ids)
                cache.crop(known)
            logits = self._read_on(ids, known, cache)
        return RowCache(cache, room), logits

    @staticmethod
    def _shared(one: list[int], other: list[int]) -> int:
        """What two prompts have in common, one token of the second at least left to be read."""
        return min(common_prefix(one, other), len(other) - 1)

    @torch.inference_mode()
    def _read_on(self, ids: list[int], known: int, cache: DynamicCache) -> torch.Tensor:
        """Read what a cache does not hold yet of a prompt; the next logits."""
        device, count = self._model.device, len(ids) - known
        with head_sees(self._model, torch.tensor([0]), torch.tensor([count - 1])):
            output = self._model(
                input_ids=torch.tensor([ids[known:]], device=device),
                position_ids=torch.arange(known, len(ids), device=device).unsqueeze(0),
                past_key_values=cache,
                use_cache=True,
            )
        return output.logits[0, -1]

    @torch.inference_mode()
    def step(self, tokens: Sequence[int], caches: Sequence[RowCache]) -> torch.Tensor:
        """One more token for each row; returns the next logits, shape (rows, vocabulary)."""
        fill = [0] * (-len(tokens) % _ROWS)
        column = torch.tensor([*tokens, *fill], device=self._model.device).unsqueeze(1)
        positions = torch.tensor(
            [*(cache.length for cache in caches), *fill], device=self._model.device
        ).unsqueeze(1)
        with _attending_by_row(self._model):
            logits = self._model(
                input_ids=column,
                position_ids=positions,
                past_key_values=_RowsCache(caches),
                use_cache=True,
            ).logits
        for cache in caches:
            cache.length += 1
        return logits[: len(tokens), -1]
