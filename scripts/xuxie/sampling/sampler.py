"""How sampling parameters choose the next token, in the order of transformers' `generate`."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from functools import cached_property

import torch

from xuxie.sampling.parameters import PUNCTUATION, STOP, SamplingParameters

_FEW = 1024, 16_384
"""So many of the likeliest tokens are looked at, then so many, before all are."""


class Sampler:
    """Draws tokens by the parameters, for one tokenizer.

    Args:
        parameters: the parameters.
        tokenizer: says which tokens are punctuation.
        stop_ids: the tokens that end an answer.
    """

    def __init__(self, parameters: SamplingParameters, tokenizer, stop_ids: Iterable[int]):
        self.parameters = parameters
        self._tokenizer = tokenizer
        self._stop_ids = frozenset(stop_ids)

    def next_token(
        self, logits: torch.Tensor, context: Sequence[int], generator: torch.Generator
    ) -> int:
        """Draw one token.

        Args:
            logits: scores of the vocabulary, one dimension.
            context: prompt and output so far.
            generator: the row's own random generator, on the CPU; one number is drawn from it.
        """
        p = self.parameters
        logits = self.penalised(logits, context)
        chance = torch.rand((), generator=generator, dtype=torch.float64)
        if p.temperature == 0:
            return int(logits.argmax())
        probabilities, ids = self._likeliest(logits)
        cumulative = probabilities.cumsum(-1)
        last = len(cumulative)
        if p.top_p < 1:
            # A token stays if those before it have not yet reached top_p; the first always stays.
            last = min(last, int((cumulative - probabilities < p.top_p).sum()))
        if p.min_p > 0:
            last = min(last, int((probabilities >= p.min_p * probabilities[0]).sum()))
        cumulative = cumulative[: max(1, last)]
        place = int(
            torch.searchsorted(
                cumulative, chance.to(cumulative.device) * cumulative[-1], right=True
            )
        )
        return int(ids[min(place, len(cumulative) - 1)])

    def _likeliest(self, logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Probabilities from the largest down, and their tokens: all that may be drawn, and perhaps more."""
        p = self.parameters
        if 0 < p.top_k < len(logits):
            kept, ids = logits.topk(p.top_k)
            return (kept / p.temperature).double().softmax(-1), ids
        all_of_them = (logits / p.temperature).double().softmax(-1)
        # To sort a vocabulary of 150,000 takes longer than the model's step; few of it can be drawn.
        for few in _FEW:
            probabilities, ids = all_of_them.topk(min(few, len(logits)))
            beyond = probabilities[-1]
            if probabilities.sum() >= p.top_p or beyond < p.min_p * probabilities[0]:
                return probabilities, ids
        return all_of_them.sort(descending=True, stable=True)

    def penalised(self, logits: torch.Tensor, context: Sequence[int]) -> torch.Tensor:
        """A copy of the logits after both penalties, in float32."""
        p = self.parameters
        logits = logits.float().clone()
        window = context[-p.penalty_window :] if p.penalty_window else context
        if p.repetition_penalty != 1:
            seen = list(set(window) - self._exempt)
            scores = logits[seen]
            logits[seen] = torch.where(
                scores < 0, scores * p.repetition_penalty, scores / p.repetition_penalty
            )
        if p.dry_multiplier:
            for token, length in self._prolonged(window).items():
                # A loop of hundreds of tokens must not overflow.
                exponent = min(length - p.dry_allowed_length, 64 / math.log2(max(p.dry_base, 1.01)))
                logits[token] -= p.dry_multiplier * p.dry_base**exponent
        return logits

    def _prolonged(self, context: Sequence[int]) -> dict[int, int]:
        """The tokens that would prolong a repeated run, with its length so far; an exempt token ends every run."""
        if not context or context[-1] in self._exempt:
            return {}
        found: dict[int, int] = {}
        last = len(context) - 1
        for place in range(last):
            if context[place] != context[last] or context[place + 1] in self._exempt:
                continue
            length = 1
            while (
                length <= place
                and context[place - length] == context[last - length]
                and context[place - length] not in self._exempt
            ):
                length += 1
            if length >= self.parameters.dry_allowed_length:
                token = context[place + 1]
                found[token] = max(length, found.get(token, 0))
        return found

    @cached_property
    def _exempt(self) -> frozenset[int]:
        exempt = self._stop_ids if STOP in self.parameters.penalty_exempt else frozenset()
        if PUNCTUATION in self.parameters.penalty_exempt:
            exempt |= punctuation_ids(self._tokenizer)
        return exempt


def punctuation_ids(tokenizer) -> frozenset[int]:
    """The tokens without a letter or digit; those that hold a part of a character's bytes are not among them."""
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    return frozenset(
        token
        for token, text in enumerate(texts)
        if text and "\ufffd" not in text and not any(character.isalnum() for character in text)
    )


def row_generator(seed: int, names: Iterable[str | int]) -> torch.Generator:
    """A random generator that belongs to one row: seeded by the run's seed and the row's names (prompt, turn)."""
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
