"""What a model makes of completions whose contexts begin alike, with no token read twice.

A chapter's rows are read each after all that stands before it, and some of them again after the text of
another chapter: together the token sequences are a tree with few branches. Sorted, they are its walk from leaf to
leaf, in which the cache of keys and values goes back to where two of them part and on from there.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

import torch

from xuxie.models.nll import Tokens, completion_nll, head_sees
from xuxie.overlap.prefixes import common_prefix

# This many positions go through the output head at once: with 150,000 tokens in the vocabulary, 0.3 GB in float32.
_POSITIONS = 512

Score = TypeVar("Score")
Scoring = Callable[[torch.Tensor, torch.Tensor], list[Score]]
"""From logits, shape (positions, vocabulary), and the tokens that follow: something for each of these."""


def shared_prefix_nll(model, items: Sequence[tuple[Tokens, Tokens]]) -> list[list[float]]:
    """NLL in nats of each token of each completion after its context: what `completion_nll` gives, for less.

    Args:
        model: a causal language model of transformers, or a PEFT model around one, in eval mode. One with code of
            its own, or with a state that cannot go back, is read without sharing.
        items: (context ids, completion ids); a context has at least one token.
    """
    if not _can_go_back(model):
        return completion_nll(model, items)
    return shared_prefix_scores(model, items, _nats)


def shared_prefix_scores(
    model, items: Sequence[tuple[Tokens, Tokens]], scoring: Scoring
) -> list[list]:
    """What `scoring` says of each token of each completion after its context; model and items as in `shared_prefix_nll`."""
    if any(not context for context, _ in items):
        raise ValueError("a context needs at least one token")
    rows = [([*context, *completion], len(context)) for context, completion in items]
    path: _Path = _Path(model, scoring)
    results: list[list] = [[] for _ in rows]
    for index in sorted(range(len(rows)), key=lambda index: rows[index][0]):
        results[index] = path.read(*rows[index])
    return results


def _nats(logits: torch.Tensor, targets: torch.Tensor) -> list[float]:
    return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none").tolist()


def _can_go_back(model) -> bool:
    own = model.get_base_model() if hasattr(model, "get_base_model") else model
    return type(own).__module__.startswith("transformers.models.") and not getattr(
        own, "_is_stateful", False
    )


class _Path(Generic[Score]):
    """The tokens that the cache holds, and their scores where they were asked for."""

    def __init__(self, model, scoring: Scoring):
        from transformers import DynamicCache

        self._model, self._scoring = model, scoring
        # Without a config every layer keeps all that it has read, even one that attends to a window only: so the cache can go back.
        self._cache = DynamicCache() if _can_go_back(model) else None
        self._tokens: list[int] = []
        self._scores: list[Score | None] = []

    def read(self, ids: list[int], start: int) -> list[Score]:
        """The scores of `ids[start:]`."""
        shared = common_prefix(self._tokens, ids)
        first = next(
            (at for at in range(start, shared) if self._scores[at] is None), max(start, shared)
        )
        if first < len(ids):
            # The logits at position p tell the token at p + 1.
            kept = 0
            if self._cache is not None:
                kept = min(shared, first - 1)
                self._cache.crop(kept)
            scored = self._feed(ids, kept, first)
            known = min(shared, first)
            self._scores = [*self._scores[:known], *[None] * (first - known), *scored]
            self._tokens = ids
        return cast(list[Score], self._scores[start : len(ids)])  # each of them was asked for

    @torch.inference_mode()
    def _feed(self, ids: list[int], kept: int, first: int) -> list[Score]:
        """Read `ids[kept:]` behind the cache; the scores of `ids[first:]`."""
        scores: list[Score] = []
        # What is read in pieces has to be kept.
        inner = (
            range(first - 1 + _POSITIONS, len(ids), _POSITIONS) if self._cache is not None else ()
        )
        edges = [kept, *inner, len(ids)]
        for begin, end in zip(edges, edges[1:], strict=False):
            asked = torch.arange(max(begin, first - 1), min(end, len(ids) - 1))
            # Even where nothing is asked for, the head needs a position.
            seen = asked - begin if len(asked) else torch.tensor([0])
            device = self._model.device
            with head_sees(self._model, torch.zeros_like(seen), seen):
                logits = self._model(
                    input_ids=torch.tensor([ids[begin:end]], device=device),
                    attention_mask=torch.ones(1, end, dtype=torch.long, device=device),
                    position_ids=torch.arange(begin, end, device=device).unsqueeze(0),
                    past_key_values=self._cache,
                    use_cache=self._cache is not None,
                ).logits[0]
            targets = torch.tensor([ids[place + 1] for place in asked.tolist()], dtype=torch.long)
            scores += self._scoring(logits[: len(asked)], targets.to(logits.device))
        return scores
