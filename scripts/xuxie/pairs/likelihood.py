"""The likelihood scorer: how much does this prompt, rather than another of the same novel, call for this completion?

A small model that gives every pair full marks when asked for a judgement still tells true pairs from
negatives by what it expects. Each completion is read after its own prompt and after K others, and
each prompt is read with its own completion and K others. How surprising a negative is follows,
up to chance, from the two alone: some completions are hard after anything, some prompts make anything
hard. So surprise ≈ r(completion) + c(prompt) is fitted to the negatives, and a pair's value is
by how many bits its completion is less surprising than that.

The same with a negative in place of the true pair gives the values that calibrate the scorer.
"""

import logging
import math
import random
import time

import numpy as np

from xuxie.models.nll import nll_after_context

logger = logging.getLogger(__name__)

REACH = 100
"""Tokens after which a token of the completion counts e times less: further on, the completion itself predicts what follows."""

_SHRINKAGE = 1.0  # of the prompts' effects, in negatives of a prompt: with few of them an effect is mostly noise


def score_by_likelihood(
    model,
    tokenizer,
    pairs: list[dict],
    *,
    contexts: int,
    context_tokens: int,
    completion_tokens: int,
    seed: int,
) -> list[dict]:
    """Score pairs that belong together (one novel, or a shard of it).

    Args:
        contexts: K, how many other prompts a completion is tried after, at least 2.
        context_tokens: at most this many tokens of a prompt are read, from its end.
        completion_tokens: this many tokens of a completion are read.

    Returns:
        A row for each pair: `value` (bits, early tokens counting most) and `swapped`, the values of the same completion
        after prompts it does not belong to. A pair for which there is no other prompt has value None.
    """

    def ids(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    negatives = negative_pairings(pairs, contexts, seed)
    prompts = [ids(pair["prompt"])[-context_tokens:] for pair in pairs]
    completions = [ids(pair["completion"])[:completion_tokens] for pair in pairs]
    under: list[list[int]] = [[] for _ in pairs]  # under each prompt, the completions of others
    for completion, prompt in negatives:
        under[prompt].append(completion)
    own = np.zeros(len(pairs))
    surprise: dict[tuple[int, int], float] = {}
    said = time.monotonic()
    for prompt, others in enumerate(under):
        first, *rest = nll_after_context(
            model, prompts[prompt], [completions[index] for index in (prompt, *others)]
        )
        own[prompt] = _bits(first)
        surprise |= {
            (completion, prompt): _bits(nats) for completion, nats in zip(others, rest, strict=True)
        }
        if time.monotonic() - said > 30:
            said = time.monotonic()
            logger.info("%d of %d prompts read", prompt + 1, len(pairs))
    return _values(pairs, negatives, own, np.array([surprise[pairing] for pairing in negatives]))


def negative_pairings(pairs: list[dict], contexts: int, seed: int) -> list[tuple[int, int]]:
    """(completion, prompt) by index: each completion with K prompts and each prompt with K completions of other chapters.

    In a shuffled order, each prompt takes the completion of the next pair, then that of the one after it, and so on.
    In a novel of one chapter another chunk is far enough.
    """
    kind = "chapter" if len({pair["chapter"] for pair in pairs}) > 1 else "chunk"
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)
    missing = [contexts] * len(pairs)
    found = []
    for distance in range(1, len(pairs)):
        for place, prompt in enumerate(order):
            completion = order[(place + distance) % len(order)]
            if missing[completion] and pairs[completion][kind] != pairs[prompt][kind]:
                missing[completion] -= 1
                found.append((completion, prompt))
        if not any(missing):
            break
    return found


def _bits(nats: list[float]) -> float:
    return sum(value * math.exp(-place / REACH) for place, value in enumerate(nats)) / math.log(2)


def _values(
    pairs: list[dict], negatives: list[tuple[int, int]], own: np.ndarray, surprise: np.ndarray
) -> list[dict]:
    completion, prompt = np.array(negatives, dtype=int).reshape(-1, 2).T
    by_completion, by_prompt = _effects(completion, prompt, surprise, len(pairs))
    values = by_completion + by_prompt - own
    values_of_negatives: list[list[float]] = [[] for _ in pairs]
    nth = _occurrence(completion)
    # A negative must be predicted without itself, as a true pair is: the n-th negative of every completion is left out in turn.
    for left_out in range(nth.max(initial=-1) + 1):
        rest = nth != left_out
        by_completion, by_prompt = _effects(
            completion[rest], prompt[rest], surprise[rest], len(pairs)
        )
        for index in np.flatnonzero(~rest):
            if not np.isnan(by_completion[completion[index]]):
                value = (
                    by_completion[completion[index]] + by_prompt[prompt[index]] - surprise[index]
                )
                values_of_negatives[completion[index]].append(round(float(value), 4))
    return [
        {
            "id": pair["id"],
            "value": None if np.isnan(value) else round(float(value), 4),
            "swapped": others,
        }
        for pair, value, others in zip(pairs, values, values_of_negatives, strict=True)
    ]


def _effects(
    completion: np.ndarray, prompt: np.ndarray, surprise: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """r and c of surprise ≈ r(completion) + c(prompt) by least squares, c shrunk towards 0; r is NaN for a completion without a pairing.

    Each is the mean of what the other leaves over, in turn, until nothing changes.
    """
    seen, lent = np.bincount(completion, minlength=count), np.bincount(prompt, minlength=count)
    by_prompt = np.zeros(count)
    for _ in range(1000):
        by_completion = np.bincount(completion, surprise - by_prompt[prompt], count) / np.maximum(
            seen, 1
        )
        before, by_prompt = (
            by_prompt,
            np.bincount(prompt, surprise - by_completion[completion], count) / (lent + _SHRINKAGE),
        )
        if np.abs(by_prompt - before).max() < 1e-6:
            break
    return np.where(seen > 0, by_completion, np.nan), by_prompt


def _occurrence(values: np.ndarray) -> np.ndarray:
    """How often each value has occurred before."""
    counts: dict[int, int] = {}
    places = np.zeros(len(values), dtype=int)
    for index, value in enumerate(values.tolist()):
        places[index] = counts[value] = counts.get(value, -1) + 1
    return places
