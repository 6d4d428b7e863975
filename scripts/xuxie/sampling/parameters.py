"""Draw the next token: repetition penalty, temperature, top-k, top-p, in the order of transformers' `generate`."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Drawing:
    """How the next token is drawn.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest token.
        top_p: keep the likeliest tokens that together reach this probability; 1 keeps all.
        top_k: keep so many of the likeliest tokens; 0 keeps all.
        repetition_penalty: logits of tokens already in the prompt or the output are divided (if
            positive) or multiplied (if negative) by it (CTRL, arXiv 1909.05858); 1 does nothing.
    """

    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 50
    repetition_penalty: float = 1.2

    def next_token(
        self, logits: torch.Tensor, seen: torch.Tensor, generator: torch.Generator
    ) -> int:
        """Draw one token.

        Args:
            logits: scores of the vocabulary, one dimension.
            seen: one flag a token of the vocabulary, true if it is in the prompt or the output so far.
            generator: the row's own source of chance, on the CPU; one number is taken from it.
        """
        logits = logits.float()
        if self.repetition_penalty != 1:
            penalised = torch.where(
                logits < 0, logits * self.repetition_penalty, logits / self.repetition_penalty
            )
            logits = torch.where(seen, penalised, logits)
        chance = torch.rand((), generator=generator, dtype=torch.float64)
        if self.temperature == 0:
            return int(logits.argmax())
        kept, ids = (
            logits.topk(self.top_k)
            if 0 < self.top_k < len(logits)
            else logits.sort(descending=True, stable=True)
        )
        probabilities = (kept / self.temperature).double().softmax(-1)
        cumulative = probabilities.cumsum(-1)
        if self.top_p < 1:
            # A token stays if those before it have not yet reached top_p; the first always stays.
            last = int((cumulative - probabilities < self.top_p).sum())
            cumulative = cumulative[: max(1, last)]
        place = int(
            torch.searchsorted(
                cumulative, chance.to(cumulative.device) * cumulative[-1], right=True
            )
        )
        return int(ids[min(place, len(cumulative) - 1)])


def row_generator(seed: int, names: Iterable[str | int]) -> torch.Generator:
    """A source of chance that belongs to one row: seeded by the run's seed and the row's names (prompt, turn)."""
    digest = hashlib.sha256("\0".join(map(str, (seed, *names))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
