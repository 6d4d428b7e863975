"""How sure a number is: t intervals over chapters.

Passages of one chapter share people, place and mood, so a chapter, not a row, is one observation. Leaving
out one chapter at a time (the jackknife: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11)
gives the standard error, and Student's t with one degree of freedom fewer than there are chapters the width. With 3
to 8 chapters such an interval holds about as often as it says, which one drawn by a percentile bootstrap does not.
"""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from scipy.special import stdtrit as student  # scipy.stats takes a second to import

FEWEST_CHAPTERS = 3
"""With fewer there is no verdict: two chapters leave one degree of freedom."""

UNCLEAR = "unclear"
"""The verdict of a difference that may be chance, or rests on too few chapters."""

WITHHELD = "withheld"
"""The verdict of a measure that has not passed its exam."""

_CONFIDENCE = 0.95
_POWER = 0.8
_WITHIN_REASON = 2000
"""Chapters: no novel has more."""


def interval_of_ratio(
    numerators: Sequence[float], denominators: Sequence[float], chapters: Sequence[Hashable]
) -> dict:
    """Sum of numerators over sum of denominators, with its 95 % interval.

    Args:
        numerators, denominators: one value for each row (bits and characters, hits and attempts, differences and ones).
        chapters: the chapter of each row.

    Returns:
        value (null if the denominators are all zero), low and high (null with fewer than two chapters), chapters (how many
        there are).
    """
    rows = [row for row in zip(numerators, denominators, chapters, strict=True) if row[1]]
    if not rows:
        return interval_of_estimates(None, [])
    place = {name: index for index, name in enumerate(dict.fromkeys(row[2] for row in rows))}
    unit = [place[chapter] for _, _, chapter in rows]
    tops = np.bincount(unit, [top for top, _, _ in rows])
    bottoms = np.bincount(unit, [bottom for _, bottom, _ in rows])
    without = (
        (tops.sum() - tops) / (bottoms.sum() - bottoms) if len(place) > 1 else np.array([np.nan])
    )
    return interval_of_estimates(float(tops.sum() / bottoms.sum()), without.tolist())


def interval_of_mean(values: Sequence[float], chapters: Sequence[Hashable]) -> dict:
    """Mean of one value for each row, with its interval; the same fields as `interval_of_ratio`."""
    return interval_of_ratio(values, [1] * len(values), chapters)


def interval_of_share(
    hits: Sequence[float], attempts: Sequence[float], chapters: Sequence[Hashable]
) -> dict:
    """Like `interval_of_ratio`, for what lies between 0 and 1.

    Where no chapter has a hit, or none a miss, there is no spread to go by: then the bound is that of Clopper and Pearson
    (Biometrika 26, 1934), each chapter counted as one attempt.
    """
    return between_none_and_all(interval_of_ratio(hits, attempts, chapters))


def interval_over_folds(
    parts: Sequence[float], wholes: Sequence[float], folds: Sequence[Hashable]
) -> dict:
    """Like `interval_of_ratio`, for what was learnt from all folds but one and tried on that one; see `widened`."""
    return widened(interval_of_ratio(parts, wholes, folds))


def interval_of_share_over_folds(
    parts: Sequence[float], wholes: Sequence[float], folds: Sequence[Hashable]
) -> dict:
    """Like `interval_over_folds`, for what lies between 0 and 1; see `interval_of_share`."""
    return between_none_and_all(interval_over_folds(parts, wholes, folds))


def widened(found: dict) -> dict:
    """The interval of a value that was learnt from all chapters but one and tried on that one.

    Folds that learn from each other's rows are not independent: the variance is that of Nadeau and Bengio (Machine Learning 52,
    2003), larger by the share of rows tried to rows learnt from.
    """
    if found["low"] is None:
        return found
    wider = (1 + found["chapters"] / (found["chapters"] - 1)) ** 0.5
    return found | {
        "low": found["value"] - wider * (found["value"] - found["low"]),
        "high": found["value"] + wider * (found["high"] - found["value"]),
    }


def interval_of_rate(
    events: Sequence[float], amounts: Sequence[float], chapters: Sequence[Hashable]
) -> dict:
    """Like `interval_of_ratio`, for what is counted and cannot be below zero.

    Where nothing was seen in any chapter the bound is the exact one of a Poisson count: none in so much.
    """
    found = interval_of_ratio(events, amounts, chapters)
    if found["value"] == 0:
        return found | {"low": 0.0, "high": -math.log((1 - _CONFIDENCE) / 2) / sum(amounts)}
    if found["low"] is not None:
        found |= {"low": max(0.0, found["low"])}
    return found


def interval_of_auc(
    lower: Sequence[float], higher: Sequence[float], chapters: Sequence[Hashable]
) -> dict:
    """How often one of `higher` lies above one of `lower`, ties being half: the area under the ROC curve, with its interval.

    Args:
        lower, higher: values of the same rows; each of one is compared with each of the other.
        chapters: the chapter of each row.
    """
    place = {name: index for index, name in enumerate(dict.fromkeys(chapters))}
    unit = np.array([place[chapter] for chapter in chapters])
    apart = np.subtract.outer(np.asarray(higher), np.asarray(lower))
    above = (apart > 0) + (apart == 0) / 2

    def area(rows: np.ndarray) -> float:
        return float(above[np.ix_(rows, rows)].mean())

    without = [area(unit != index) for index in place.values()] if len(place) > 1 else [np.nan]
    return between_none_and_all(interval_of_estimates(float(above.mean()), without))


def interval_of_estimates(value: float | None, without: Sequence[float]) -> dict:
    """The interval of any statistic, from what it comes to with each chapter left out in turn; the same fields."""
    count = len(without)
    result = {"value": value, "low": None, "high": None, "chapters": count}
    if value is not None and count > 1:
        spread = np.asarray(without) - value
        error = ((count - 1) / count * float(spread @ spread)) ** 0.5
        half = float(student(count - 1, (1 + _CONFIDENCE) / 2)) * error
        result |= {"low": value - half, "high": value + half}
    return result


def detectable(interval: dict) -> float | None:
    """The smallest true effect that would have been told from zero in 80 % of such runs; null where there is no interval."""
    if interval["low"] is None:
        return None
    freedom = interval["chapters"] - 1
    edge = student(freedom, (1 + _CONFIDENCE) / 2)
    return float((interval["high"] - interval["low"]) / 2 * (1 + student(freedom, _POWER) / edge))


def enough_chapters(difference: dict) -> int | None:
    """How many chapters would show a difference of this size, spread over chapters as here, in 80 % of such runs.

    Null where there is no interval, or no number within reason would do.
    """
    if difference["low"] is None:
        return None
    count = difference["chapters"]
    half = (difference["high"] - difference["low"]) / 2
    by_chapter = half / float(student(count - 1, (1 + _CONFIDENCE) / 2)) * count**0.5
    for chapters in range(FEWEST_CHAPTERS, _WITHIN_REASON + 1):
        edges = student(chapters - 1, [(1 + _CONFIDENCE) / 2, _POWER])
        if abs(difference["value"]) >= float(edges.sum()) * by_chapter / chapters**0.5:
            return chapters
    return None


def between_none_and_all(found: dict) -> dict:
    """The interval of a share: within 0 and 1, and of some width where no chapter has a hit, or none a miss (see `interval_of_share`)."""
    if found["value"] in (0, 1):
        bound = ((1 - _CONFIDENCE) / 2) ** (1 / found["chapters"])
        low, high = (0.0, 1 - bound) if found["value"] == 0 else (bound, 1.0)
        return found | {"low": low, "high": high}
    if found["low"] is not None:
        found |= {"low": max(0.0, found["low"]), "high": min(1.0, found["high"])}
    return found


def verdict(difference: dict) -> str:
    """What a difference, of which less is better, comes to: "better", "worse", or "unclear".

    This alone decides, for evaluation.json and for the report: "unclear" where the interval holds zero or rests on
    fewer than `FEWEST_CHAPTERS` chapters.
    """
    if difference["chapters"] < FEWEST_CHAPTERS:
        return UNCLEAR
    if difference["high"] < 0:
        return "better"
    return "worse" if difference["low"] > 0 else UNCLEAR
