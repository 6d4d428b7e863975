"""Can a plain classifier tell a system's texts from the author's? It is what readers call the smell of a machine; 0.5 is the goal.

The classifier knows character n-grams alone (1 to 3, TF-IDF, logistic regression), and learns from all chapters but the one in
which it is tried, so that it recognises a hand and not a chapter's people and places. All give windows of one length: the systems as many
as each other after every prompt, from the beginnings of what they wrote, and the author all of the held-out chapters, so that a
few short samples, too, are held against enough of his hand.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from xuxie.evaluation.intervals import (
    FEWEST_CHAPTERS,
    interval_of_share_over_folds,
    interval_over_folds,
)
from xuxie.evaluation.lengths import SHORTEST_QUARTER
from xuxie.files.novel_text import chapter_of
from xuxie.sampling.authors import BASE, TUNED, text_of

WINDOW = SHORTEST_QUARTER
"""Characters: a longer text is easier to tell, so that figures of one window compare, also those of different runs."""

WINDOWS = (WINDOW, 150, 100, 75, 50)
"""Lengths that are tried, the longest first, until there are enough windows: short windows tell less, but a figure that says so tells more than none."""

FEWEST_WINDOWS = 12
"""Of each system: from fewer a classifier learns nothing, and its figure would be chance."""


def detectability(samples: Sequence[dict], chapters: Mapping[Any, str]) -> dict:
    """How well base and tuned are told from the author, on windows of the same places.

    Args:
        samples: the rows of samples.jsonl.
        chapters: the text of each held-out chapter, by novel and number.

    Returns:
        `window` (characters), `fewest`, `windows` (of each system), `author` (windows of his) and `chapters` of them, of which none is
        shorter than a window; `auc` by system and `difference`
        (tuned − base: below zero the tuned model is harder to tell), each with its interval; these two are null where there are too few
        windows or chapters.
    """
    systems = [name for name in (BASE, TUNED) if all(name in row["outputs"] for row in samples)]
    for window in WINDOWS:
        author = {place: cut for place, text in chapters.items() if (cut := _cut(text, window))}
        windows = _windows([row for row in samples if chapter_of(row) in author], systems, window)
        places = list(windows[systems[0]]) if systems else []
        count = sum(len(windows[systems[0]][place]) for place in places)
        if count >= FEWEST_WINDOWS and len(places) >= FEWEST_CHAPTERS:
            break
    author = {place: author[place] for place in places}
    result: dict[str, Any] = {
        "window": window,
        "fewest": FEWEST_WINDOWS,
        "windows": count,
        "author": sum(map(len, author.values())),
        "chapters": len(places),
        "auc": None,
        "difference": None,
    }
    if count < FEWEST_WINDOWS or len(places) < FEWEST_CHAPTERS:
        return result
    told = {name: told_apart(author, windows[name]) for name in systems}
    pairs = [len(author[place]) * len(windows[systems[0]][place]) for place in places]
    result["auc"] = {
        name: interval_of_share_over_folds([right[place] for place in places], pairs, places)
        for name, right in told.items()
    }
    if len(systems) == 2:
        change = [told[TUNED][place] - told[BASE][place] for place in places]
        result["difference"] = interval_over_folds(change, pairs, places)
    return result


def told_apart(
    author: Mapping[Hashable, Sequence[str]], system: Mapping[Hashable, Sequence[str]]
) -> dict[Hashable, float]:
    """In each chapter, of how many pairs of one window of either side the classifier, which has not seen the chapter, says rightly which is the
    system's; a tie is half.

    Windows are compared within their chapter alone: scores of differently trained classifiers have no common scale.

    Args:
        author, system: windows by chapter, of the same chapters.
    """
    right: dict[Hashable, float] = {}
    for left_out in system:
        learnt = [
            [window for place in system if place != left_out for window in side[place]]
            for side in (author, system)
        ]
        classifier = _taught(*learnt)
        scores = [classifier.decision_function(side[left_out]) for side in (author, system)]
        right[left_out] = _pairs_told(scores[1], scores[0])
    return right


def told_apart_by_quarter(
    author: Sequence[Sequence[Sequence[str]]],
    system: Sequence[Sequence[Sequence[str]]],
    chapters: Sequence[Hashable],
) -> list[dict[Hashable, tuple[float, float]]]:
    """By quarter and chapter the pairs of windows told rightly, and all pairs; see `told_apart`.

    The classifier learns from whole continuations, of the other chapters, and is tried on each quarter for itself.

    Args:
        author, system: by continuation and quarter its windows, of all as many.
        chapters: the chapter of each continuation.
    """
    result: list[dict[Hashable, tuple[float, float]]] = [{} for _ in author[0]]
    for left_out in dict.fromkeys(chapters):
        learnt = [number for number, chapter in enumerate(chapters) if chapter != left_out]
        sides = [
            [window for number in learnt for quarter in side[number] for window in quarter]
            for side in (author, system)
        ]
        classifier = _taught(*sides)
        for number, found in enumerate(result):
            scores = [
                classifier.decision_function(
                    [
                        window
                        for place, chapter in enumerate(chapters)
                        if chapter == left_out
                        for window in side[place][number]
                    ]
                )
                for side in (author, system)
            ]
            pairs = float(len(scores[0]) * len(scores[1]))
            found[left_out] = (_pairs_told(scores[1], scores[0]), pairs)
    return result


def _pairs_told(system: np.ndarray, author: np.ndarray) -> float:
    """Of how many pairs of scores the system's is the higher."""
    apart = np.subtract.outer(system, author)
    return float(((apart > 0) + (apart == 0) / 2).sum())


def _taught(author: Sequence[str], system: Sequence[str]) -> Pipeline:
    """The classifier, after it has learnt to tell these windows."""
    classifier = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
        LogisticRegression(C=10, solver="liblinear", class_weight="balanced"),
    )
    return classifier.fit([*author, *system], np.repeat([0, 1], [len(author), len(system)]))


def _windows(
    samples: Sequence[dict], systems: Sequence[str], window: int
) -> dict[str, dict[Hashable, list[str]]]:
    """The windows of each system by chapter; after a prompt as many of each as the shortest text has."""
    found: dict[str, dict[Hashable, list[str]]] = {name: {} for name in systems}
    for sample in samples:
        windows = {name: _cut(text_of(sample, name) or "", window) for name in systems}
        count = min(map(len, windows.values()), default=0)
        for name, cut in windows.items():
            if count:
                found[name].setdefault(chapter_of(sample), []).extend(cut[:count])
    return found


def _cut(text: str, window: int) -> list[str]:
    return [text[at : at + window] for at in range(0, len(text) - window + 1, window)]
