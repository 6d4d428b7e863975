"""Which way of drawing tokens writes texts that are most like the author's own, by what can be counted.

After the same held-out prompts both are measured: length, repetition, variety, and how the tuned model itself sees each token: its
rank among all tokens and the entropy of the choice (GLTR: Gehrmann et al., arXiv 1906.04043). A text of likely tokens alone is not
the author's, nor is one of unlikely ones. The distance of a statistic is that of the means in standard deviations of the
author's passages; a way of drawing is as far as its statistics are on average.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from xuxie.errors import UserError
from xuxie.evaluation.intervals import interval_of_estimates, verdict
from xuxie.models.shared_prefixes import shared_prefix_scores
from xuxie.overlap.repetition import distinct, seq_rep
from xuxie.prompts.prompting import Prompting

STATISTICS = ("length", "seq_rep_4", "distinct_2", "rank", "entropy")
"""Of a text: the natural logarithm of its characters, share of repeated 4-grams, of distinct 2-grams, mean binary logarithm of its tokens'
ranks, mean entropy in bits."""

_LEAST_SPREAD = np.array([0.1, 0.01, 0.01, 0.1, 0.1])
"""A few passages may agree by chance, where none repeats anything: no statistic is told more finely than this."""

FEWEST_PASSAGES = 2
"""Of the author: one alone has no spread by which a distance could be told."""

_POSITIONS = 64


def measure(
    model,
    prompting: Prompting,
    rows: Sequence[dict],
    ways: Sequence[Sequence[str]],
    system: str | None,
) -> list[np.ndarray]:
    """The statistics of each way's texts, one after each row's prompt, shape (texts, statistics); not a number where there is nothing to measure.

    Args:
        system: a system prompt in place of the rows' own.
    """
    encode = prompting.tokenizer.encode
    prompts = [prompting.prompt_ids(row, system=system) for row in rows]
    items = [
        (prompt, encode(text, add_special_tokens=False))
        for texts in ways
        for prompt, text in zip(prompts, texts, strict=True)
    ]
    # In one go, since a row's prompt is the same in every way.
    seen = iter(shared_prefix_scores(model, items, _rank_and_entropy))
    return [
        np.array([[*_counted(text), *_means(next(seen))] for text in texts], dtype=float)
        for texts in ways
    ]


def is_measurable(text: str) -> bool:
    """Whether each statistic has a value for it; a few characters have nothing to repeat."""
    return None not in _counted(text)


def distances(
    author: np.ndarray, written: np.ndarray, spread: np.ndarray | None = None
) -> np.ndarray:
    """How far each statistic of texts is from the author's, in standard deviations of his passages; infinitely where no text has it.

    Args:
        spread: these standard deviations, where they are not of the very passages given.
    """
    spread = np.nanstd(author, axis=0, ddof=1) if spread is None else spread
    apart = np.abs(_averages(written) - _averages(author)) / np.maximum(spread, _LEAST_SPREAD)
    return np.where(np.isnan(apart), np.inf, apart)


def compare_ways(
    author: np.ndarray, ways: Sequence[np.ndarray], chapters: Sequence, configured: int = 0
) -> dict:
    """Each way's statistics and distance, the nearest of them, and whether it is surely nearer than the configured one.

    Args:
        author, ways: what `measure` gave for the author's texts, of which two and more are measurable, and for those drawn in each
            way, of the same rows.
        chapters: the chapter of each row.
        configured: which of the ways is configured.

    Returns:
        `author` (his statistics), `ways` (of each `distance`, `statistics` and `distances`, null where none of its texts has them),
        `nearest`, and `change` (its distance less the configured one's, with an interval) with its `verdict`.

    Raises:
        UserError: nothing was written in any way.
    """
    far = [float(distances(author, way).mean()) for way in ways]
    nearest = min(range(len(ways)), key=far.__getitem__)
    if math.isinf(far[nearest]):
        raise UserError(
            "the tuned model writes nothing after watched prompts, whichever way its tokens are drawn",
            remedy="see what its gates and its samples say of where it stops",
        )
    spread = np.nanstd(author, axis=0, ddof=1)

    def closer(kept: np.ndarray) -> float:
        before, after = (
            distances(author[kept], ways[at][kept], spread) for at in (configured, nearest)
        )
        return float(after.mean()) - float(before.mean())

    units = np.array([list(dict.fromkeys(chapters)).index(chapter) for chapter in chapters])
    whole = closer(units >= 0)
    without = [closer(units != unit) for unit in range(units.max() + 1)] if units.max() else []
    # A way that wrote in one chapter alone has no distance without it, and so no interval.
    change = interval_of_estimates(
        whole if math.isfinite(whole) else None,
        without if all(map(math.isfinite, without)) else [],
    )
    return {
        "author": _named(_averages(author)),
        "ways": [
            {
                "distance": distance if math.isfinite(distance) else None,
                "statistics": _named(_averages(way)),
                "distances": _named(distances(author, way)),
            }
            for distance, way in zip(far, ways, strict=True)
        ],
        "nearest": nearest,
        "change": change,
        "verdict": verdict(change),
    }


def _counted(text: str) -> tuple[float, float | None, float | None]:
    return math.log(max(1, len(text))), seq_rep(text, 4), distinct(text, 2)


def _means(seen: Sequence[tuple[float, float]]) -> tuple[float, float]:
    if not seen:
        return math.nan, math.nan
    ranks, entropies = zip(*seen, strict=True)
    return sum(ranks) / len(seen), sum(entropies) / len(seen)


def _rank_and_entropy(logits: torch.Tensor, targets: torch.Tensor) -> list[tuple[float, float]]:
    """(binary logarithm of its rank, entropy of the choice in bits) of each token."""
    found: list[tuple[float, float]] = []
    for scores, own in zip(logits.split(_POSITIONS), targets.split(_POSITIONS), strict=True):
        shares = scores.float().log_softmax(-1)
        ranks = 1 + (shares > shares.gather(1, own.unsqueeze(1))).sum(-1)
        entropies = -(shares.exp() * shares).sum(-1) / math.log(2)
        found += zip(ranks.double().log2().tolist(), entropies.tolist(), strict=True)
    return found


def _averages(values: np.ndarray) -> np.ndarray:
    """Each statistic's mean over the texts that have it; not a number where none has."""
    counts = (~np.isnan(values)).sum(axis=0)
    nothing = np.full(values.shape[1], math.nan)
    return np.divide(np.nansum(values, axis=0), counts, out=nothing, where=counts > 0)


def _named(values: np.ndarray) -> dict[str, float | None]:
    """By statistic; null where it is no number, which JSON does not have."""
    numbers = (float(value) if math.isfinite(value) else None for value in values)
    return dict(zip(STATISTICS, numbers, strict=True))
