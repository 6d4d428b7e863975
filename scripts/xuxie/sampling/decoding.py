"""Continue many prompts at once, each exactly as if it were alone.

Every prompt is read alone and unpadded; a row that ends makes room for the next prompt. How the rows that are under way
take their next step together without changing each other is `xuxie.sampling.row_attention`; a model that it does not
fit, with code of its own, goes one prompt at a time.
"""

import logging
import time
from collections import deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from xuxie.models.nll import head_sees
from xuxie.sampling.sampler import Sampler, row_generator

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """One prompt to continue.

    Attributes:
        key: the caller's name for it; its random numbers are seeded with it, so it holds nothing that may change between runs.
        ids: prompt tokens, at least one.
        max_new_tokens: the longest continuation.
        earlier: prompts of earlier turns, each of which begins as the next one does; what they have in common is read once.
    """

    key: tuple
    ids: list[int]
    max_new_tokens: int
    earlier: tuple[list[int], ...] = ()


@dataclass(frozen=True)
class Continuation:
    """What came back.

    Attributes:
        ids: the new tokens, without the stop token.
        stop: "natural" if the model ended by a stop token, "length" if it was cut.
        seconds: the time for reading the prompt, and the row's share of each step that it took part in.
    """

    ids: list[int]
    stop: str
    seconds: float


def decode(
    model,
    requests: deque[Request],
    *,
    sampler: Sampler,
    seed: int,
    stop_ids: set[int],
    batch_size: int = 8,
) -> Iterator[tuple[Request, Continuation]]:
    """Continue requests, at most `batch_size` at once, and yield each as it ends.

    The caller may add to `requests` between two answers: the next turn of a long continuation, which goes on from what the turn
    before has read if it stands first. Whether that is still there changes the time and not a bit of the answer: otherwise the
    earlier prompts are read again in the same pieces.
    A model whose attention cannot be told to keep rows apart (custom code) runs one row at a time.
    """
    reader = _row_wise(model)
    if reader is None:
        logger.warning(
            "this model's attention cannot keep the rows of a batch apart: sampling one prompt at a time"
        )
        reader, batch_size = _OneByOne(model), 1
    rows: list[_Row] = []
    ended: dict[Hashable, _Row] = {}
    while requests or rows:
        while requests and len(rows) < batch_size:
            start = time.perf_counter()
            request = requests.popleft()
            before = ended.pop(request.key[0], None)
            cache, logits = reader.read(
                [*request.earlier, request.ids],
                request.max_new_tokens,
                before.cache if before and request.earlier else None,
            )
            row = _Row(request, row_generator(seed, request.key), cache)
            row.take(logits, sampler, stop_ids)
            row.seconds += time.perf_counter() - start
            rows.append(row)
        ended.clear()
        if going := [row for row in rows if not row.stop]:
            start = time.perf_counter()
            logits = reader.step([row.new[-1] for row in going], [row.cache for row in going])
            for row, scores in zip(going, logits, strict=True):
                row.take(scores, sampler, stop_ids)
            share = (time.perf_counter() - start) / len(going)
            for row in going:
                row.seconds += share
        for row in rows:
            if row.stop:
                ended[row.request.key[0]] = row
                yield row.request, Continuation(row.new, row.stop, row.seconds)
        rows = [row for row in rows if not row.stop]


@dataclass
class _Row:
    request: Request
    generator: torch.Generator
    cache: object
    new: list[int] = field(default_factory=list)
    stop: str = ""
    seconds: float = 0.0

    def take(self, logits: torch.Tensor, sampler: Sampler, stop_ids: set[int]) -> None:
        """Draw the next token, or end."""
        token = sampler.next_token(logits, self.request.ids + self.new, self.generator)
        if token in stop_ids:
            self.stop = "natural"
            return
        self.new.append(token)
        if len(self.new) == self.request.max_new_tokens:
            self.stop = "length"


class _OneByOne:
    """Reads prompts and takes steps through whatever cache the model brings, one row at a time."""

    def __init__(self, model):
        self._model = model

    @torch.inference_mode()
    def read(
        self, prompts: Sequence[list[int]], room: int, before: list | None
    ) -> tuple[list, torch.Tensor]:
        """Read the last of a row's prompts, whole; return a box with its cache, and the next logits."""
        ids = prompts[-1]
        tokens = torch.tensor([ids], device=self._model.device)
        with head_sees(self._model, torch.tensor([0]), torch.tensor([len(ids) - 1])):
            output = self._model(input_ids=tokens, use_cache=True)
        return [output.past_key_values], output.logits[0, -1]

    @torch.inference_mode()
    def step(self, tokens: Sequence[int], caches: Sequence[list]) -> torch.Tensor:
        """One more token; returns the next logits, shape (1, vocabulary)."""
        (token,), (box,) = tokens, caches
        output = self._model(
            input_ids=torch.tensor([[token]], device=self._model.device),
            past_key_values=box[0],
            use_cache=True,
        )
        box[0] = output.past_key_values
        return output.logits[:, -1]


def _row_wise(model):
    """The reader that keeps rows apart; None if it does not fit the model."""
    try:
        from xuxie.sampling.row_attention import RowWise
    except ImportError as error:
        # An environment for custom code of years ago has a transformers without attention of one's own.
        logger.info("row-wise attention is not to be had here: %s", error)
        return None
    return RowWise(model) if RowWise.fits(model) else None
