"""Decay as a curve: what a continuation is like by quarter, beside the author's own of the same length from the same place.

The texts are cut to the one length at which most of them is measured; a system whose texts end before it has no quarters.
"""

from collections.abc import Hashable, Sequence

from xuxie.evaluation.detectability import FEWEST_WINDOWS, WINDOW, told_apart_by_quarter
from xuxie.evaluation.intervals import (
    FEWEST_CHAPTERS,
    interval_of_rate,
    interval_of_share,
    interval_of_share_over_folds,
)
from xuxie.evaluation.lengths import (
    QUARTERS,
    bounds_of_quarters,
    followed_length,
    systems_of,
)
from xuxie.evaluation.quarters import Against, Amounts, followed
from xuxie.evaluation.win_rates import points_of
from xuxie.files.novel_text import chapter_of
from xuxie.overlap.ngrams import dense, ngrams
from xuxie.overlap.repetition import different, repeated
from xuxie.sampling.authors import HUMAN, text_of


def decay_of_texts(
    samples: Sequence[dict],
    highlights: dict[str, dict[str, dict]],
    judged: Sequence[dict],
    target: int,
) -> dict | None:
    """Every metric by quarter for the author and each system; null where the texts are too short to have quarters.

    Args:
        samples: the rows of samples.jsonl.
        highlights: by row id and system, as in `measure_texts`.
        judged: the rows of judged.jsonl; those of quarters count.
        target: the length that was asked for; 0 for none.

    Returns:
        length (characters), quarters; systems: by name `texts` and `chapters` (how many are so long) and `metrics`, by metric what
        `quarters.followed` gives; of the author it gives values alone.
    """
    length = followed_length(samples, target)
    if not length:
        return None
    bounds = bounds_of_quarters(length)
    systems = {}
    for name in systems_of(samples):
        long = [sample for sample in samples if len(text_of(sample, name) or "") >= length]
        metrics = _metrics(name, long, length, highlights) if long else {}
        if long and name != HUMAN:
            if told := _detectability(name, long, length):
                metrics["detectability"] = told
            if preferred := _preferred(name, judged, length):
                metrics["preferred"] = preferred
        systems[name] = {
            "texts": len(long),
            "chapters": len({chapter_of(sample) for sample in long}),
            "metrics": metrics,
        }
    return {"length": length, "quarters": [list(part) for part in bounds], "systems": systems}


def _metrics(name: str, samples: list[dict], length: int, highlights: dict) -> dict:
    bounds, chapters = bounds_of_quarters(length), [chapter_of(sample) for sample in samples]
    texts = [(text_of(sample, name) or "")[:length] for sample in samples]
    found: dict[str, list[Amounts]] = {
        "seq_rep_4": [[repeated(text[a:b], 4) for text in texts] for a, b in bounds],
        "repeats_before": _repeats_before(samples, texts, bounds),
        "distinct_2": [[different(text[a:b], 2) for text in texts] for a, b in bounds],
    }
    inventions = [highlights[sample["id"]][name]["invented_names"] for sample in samples]
    if all(names is not None for names in inventions):
        found["invented_names"] = [
            [(_first_seen(names, a, b), (b - a) / 1000) for names in inventions] for a, b in bounds
        ]
    author = [sample["reference"][:length] for sample in samples]
    paired = all(len(text) == length for text in author)
    against: dict[str, Against | None] = {
        "seq_rep_4": Against(),
        "repeats_before": Against(author=_repeats_before(samples, author, bounds))
        if paired
        else None,
        "distinct_2": Against(more_is_worse=False),
        "invented_names": Against(),
    }
    return {
        metric: followed(
            quarters,
            bounds,
            chapters,
            None if name == HUMAN else against[metric],
            interval_of_rate if metric == "invented_names" else interval_of_share,
        )
        for metric, quarters in found.items()
    }


def _detectability(name: str, samples: list[dict], length: int) -> dict | None:
    """How well the system is told from the author, by quarter; None where it cannot be said."""
    bounds = bounds_of_quarters(length)
    paired = [sample for sample in samples if len(sample["reference"]) >= length]
    chapters = [chapter_of(sample) for sample in paired]
    windows = (bounds[0][1] - bounds[0][0]) // WINDOW
    if windows * len(paired) < FEWEST_WINDOWS or len(set(chapters)) < FEWEST_CHAPTERS:
        return None

    def cut(text: str) -> list[list[str]]:
        return [
            [text[a + WINDOW * at : a + WINDOW * (at + 1)] for at in range(windows)]
            for a, _ in bounds
        ]

    told = told_apart_by_quarter(
        [cut(sample["reference"]) for sample in paired],
        [cut(text_of(sample, name) or "") for sample in paired],
        chapters,
    )
    places = list(dict.fromkeys(chapters))
    amounts = [[quarter[place] for place in places] for quarter in told]
    found = followed(
        amounts, bounds, places, Against(over_folds=True), interval_of_share_over_folds
    )
    return found | {"windows": windows * len(paired)}


def _preferred(name: str, judged: Sequence[dict], length: int) -> dict | None:
    """How often the judge prefers the system's quarter to the author's; None where it was not asked about all of them."""
    points: dict[str, dict[int, float]] = {}
    chapters: dict[str, Hashable] = {}
    for row in judged:
        if row.get("quarter") is not None and row["systems"] == [name, HUMAN] and row["preferred"]:
            won = points_of(row["preferred"], name)
            points.setdefault(row["id"], {})[row["quarter"]] = won
            chapters[row["id"]] = chapter_of(row)
    whole = [id for id, found in points.items() if len(found) == QUARTERS]
    if not whole:
        return None
    amounts = [[(points[id][number], 1.0) for id in whole] for number in range(QUARTERS)]
    return followed(
        amounts,
        bounds_of_quarters(length),
        [chapters[id] for id in whole],
        Against(more_is_worse=False),
        interval_of_share,
    )


def _repeats_before(
    samples: list[dict], texts: list[str], bounds: list[tuple[int, int]]
) -> list[Amounts]:
    """Of each quarter's 4-grams those that stand in the prompt or in an earlier quarter."""
    found: list[Amounts] = []
    for start, end in bounds:
        amounts = []
        for sample, text in zip(samples, texts, strict=True):
            known = set(ngrams(dense(sample["prompt"]["input"] + text[:start]), 4))
            grams = list(ngrams(dense(text[start:end]), 4))
            amounts.append((sum(gram in known for gram in grams), len(grams)))
        found.append(amounts)
    return found


def _first_seen(names: Sequence[tuple[int, str]], start: int, end: int) -> int:
    """How many of the invented names stand in a quarter, and in none before it."""
    first: dict[str, int] = {}
    for offset, name in names:
        first[name] = min(offset, first.get(name, offset))
    return sum(start <= offset < end for offset in first.values())
