"""Continue many prompts at once, each exactly as if it were alone.

In bfloat16 the last bits of a forward pass depend on the shape of the batch, and one flipped bit
sooner or later draws another token, after which a sample goes elsewhere. So nothing here lets a row
meet its neighbours: every prompt is read alone and unpadded; every row keeps its own keys and values
and attends to those alone; and the matrix products, which the rows share, always see a multiple of
eight rows, for which the CPU's libraries give a row the same bits whatever stands beside it
(measured, not promised by them: `benchmarks/sampling`). A row that ends makes room for the next prompt.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from transformers import AttentionInterface, DynamicCache

from xuxie.nll import head_sees
from xuxie.sampling.drawing import Drawing, row_generator

logger = logging.getLogger(__name__)

_ROWS = 8
_ATTENTION = "xuxie_rows"


@dataclass(frozen=True)
class Request:
    """One prompt to continue.

    Attributes:
        key: the caller's name for it; its chance is seeded by it, so it holds nothing that may change between runs.
        ids: prompt tokens, at least one.
        max_new_tokens: the longest continuation.
    """

    key: tuple
    ids: list[int]
    max_new_tokens: int


@dataclass(frozen=True)
class Continuation:
    """What came back.

    Attributes:
        ids: the new tokens, without the stop token.
        stop: "natural" if the model ended by a stop token, "length" if it was cut.
        seconds: time for reading the prompt, and of each step that the row took part in its share.
    """

    ids: list[int]
    stop: str
    seconds: float


def decode(
    model, requests: deque[Request], *, drawing: Drawing, seed: int, stop_ids: set[int], batch_size: int = 8
) -> Iterator[tuple[Request, Continuation]]:
    """Continue requests, at most `batch_size` at once, and yield each as it ends.

    The caller may append to `requests` between two answers (the next turn of a long continuation).
    A model whose attention cannot be told to keep rows apart (custom code) runs one row at a time.
    """
    apart = _keeps_rows_apart(model)
    if not apart:
        logger.warning("this model's attention cannot keep the rows of a batch apart: sampling one prompt at a time")
    rows: list[_Row] = []
    while requests or rows:
        while requests and len(rows) < (batch_size if apart else 1):
            start = time.perf_counter()
            request = requests.popleft()
            cache, logits = _read(model, request.ids, request.max_new_tokens if apart else None)
            seen = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
            seen[request.ids] = True
            row = _Row(request, row_generator(seed, request.key), seen, cache)
            row.take(logits, drawing, stop_ids)
            row.seconds += time.perf_counter() - start
            rows.append(row)
        if going := [row for row in rows if not row.stop]:
            start = time.perf_counter()
            for row, logits in zip(going, _step(model, going) if apart else _step_alone(model, *going), strict=True):
                row.take(logits, drawing, stop_ids)
            share = (time.perf_counter() - start) / len(going)
            for row in going:
                row.seconds += share
        for row in rows:
            if row.stop:
                yield row.request, Continuation(row.new, row.stop, row.seconds)
        rows = [row for row in rows if not row.stop]


@dataclass
class _Row:
    request: Request
    generator: torch.Generator
    seen: torch.Tensor
    cache: object
    new: list[int] = field(default_factory=list)
    stop: str = ""
    seconds: float = 0.0

    def take(self, logits: torch.Tensor, drawing: Drawing, stop_ids: set[int]) -> None:
        """Draw the next token, or end."""
        token = drawing.next_token(logits, self.seen, self.generator)
        if token in stop_ids:
            self.stop = "natural"
            return
        self.new.append(token)
        self.seen[token] = True
        if len(self.new) == self.request.max_new_tokens:
            self.stop = "length"


class _RowCache:
    """Keys and values of one row, in buffers as long as the row can get."""

    def __init__(self, prompt_cache: DynamicCache, room: int):
        self.length = prompt_cache.get_seq_length()
        self.layers = []
        for layer in prompt_cache.layers:
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

    def __init__(self, rows: list[_RowCache]):
        self.rows = rows

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_, **__):
        return zip(*(row.append(layer, keys[i : i + 1], values[i : i + 1]) for i, row in enumerate(self.rows)), strict=True)

    def get_seq_length(self, *_) -> int:
        return max(row.length for row in self.rows)


def _attend_by_row(module, query, keys, values, attention_mask, scaling=None, sliding_window=None, **_):
    """Attention of one new position a row over that row's keys alone; rows that only fill the batch up get zeros."""
    output = torch.zeros_like(query)
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        if sliding_window:
            key, value = key[:, :, -sliding_window:], value[:, :, -sliding_window:]
        output[i] = torch.nn.functional.scaled_dot_product_attention(
            query[i : i + 1], key, value, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
        )[0]
    return output.transpose(1, 2).contiguous(), None


AttentionInterface.register(_ATTENTION, _attend_by_row)


@contextmanager
def _attending_by_row(model):
    config = getattr(model, "get_base_model", lambda: model)().config
    before = config._attn_implementation
    config._attn_implementation = _ATTENTION
    try:
        yield
    finally:
        config._attn_implementation = before


@torch.inference_mode()
def _read(model, ids: list[int], room: int | None):
    """Read one prompt; return its cache, with room for so many more positions (None: the model's own kind of cache), and the next logits."""
    tokens = torch.tensor([ids], device=model.device)
    # Without the model's config a DynamicCache keeps all positions, also of layers that look back through a window.
    arguments = {} if room is None else {"past_key_values": DynamicCache()}
    with head_sees(model, torch.tensor([0]), torch.tensor([len(ids) - 1])):
        output = model(input_ids=tokens, use_cache=True, **arguments)
    return output.past_key_values if room is None else _RowCache(output.past_key_values, room), output.logits[0, -1]


@torch.inference_mode()
def _step(model, rows: list[_Row]) -> torch.Tensor:
    """One more token for each row; returns the next logits, a row each."""
    caches = [row.cache for row in rows]
    fill = -len(rows) % _ROWS
    tokens = torch.tensor([[row.new[-1]] for row in rows] + [[0]] * fill, device=model.device)
    positions = torch.tensor([[cache.length] for cache in caches] + [[0]] * fill, device=model.device)
    with _attending_by_row(model):
        logits = model(input_ids=tokens, position_ids=positions, past_key_values=_RowsCache(caches), use_cache=True).logits
    for cache in caches:
        cache.length += 1
    return logits[: len(rows), -1]


@torch.inference_mode()
def _step_alone(model, row: _Row) -> torch.Tensor:
    """One more token for the only row, through whatever cache the model brings."""
    output = model(input_ids=torch.tensor([[row.new[-1]]], device=model.device), past_key_values=row.cache, use_cache=True)
    row.cache = output.past_key_values
    return output.logits[:, -1]


def _keeps_rows_apart(model) -> bool:
    """Whether the row-wise attention works on this model: tried on three tokens, against a plain forward pass."""
    config = getattr(model, "get_base_model", lambda: model)().config
    if set(getattr(config, "layer_types", None) or []) - {"full_attention", "sliding_attention"} or getattr(
        config, "attn_logit_softcapping", None
    ):
        return False
    first, second, third = (token % config.vocab_size for token in (1, 2, 3))
    try:
        cache, _ = _read(model, [first, second], 1)
        row = _Row(Request((), [], 1), torch.Generator(), torch.zeros(0), cache, [third])
        got = _step(model, [row])[0]
    except (TypeError, AttributeError, ValueError, KeyError) as error:
        logger.info("row-wise attention does not fit %s: %s", type(model).__name__, error)
        return False
    _, wanted = _read(model, [first, second, third], 1)
    return torch.nn.functional.cosine_similarity(got.float(), wanted.float(), dim=0).item() > 0.99
