"""Can a plain classifier tell a system's texts from the author's? It is what readers call the smell of a machine; 0.5 is the goal.

The classifier knows character n-grams alone (1 to 3, TF-IDF, logistic regression), and learns from all chapters but the one in
which it is tried, so that it recognises a hand and not a chapter's people and places. Both sides give windows of one length, as many
of the one as of the other after every prompt.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import Pipeline, make_pipeline

from xuxie.evaluation.intervals import (
    FEWEST_CHAPTERS,
    between_none_and_all,
    interval_over_folds,
)
from xuxie.evaluation.lengths import SHORTEST_QUARTER
from xuxie.sampling.authors import BASE, HUMAN, TUNED, text_of

WINDOW = SHORTEST_QUARTER
"""Characters: a longer text is easier to tell, so that figures of one window compare, also those of different runs."""

FEWEST_WINDOWS = 12
"""Of each side: from fewer a classifier learns nothing, and its figure would be chance."""


def detectability(samples: Sequence[dict]) -> dict:
    """How well base and tuned are told from the author, on the same windows.

    Args:
        samples: the rows of samples.jsonl.

    Returns:
        `window` (characters), `fewest` and `windows` (of each side) and `chapters` of them; `auc` by system and `difference`
        (tuned − base: below zero the tuned model is harder to tell), each with its interval; these two are null where there are too few
        windows or chapters.
    """
    systems = [name for name in (BASE, TUNED) if all(name in row["outputs"] for row in samples)]
    windows, chapters = _windows(samples, [HUMAN, *systems])
    result: dict[str, Any] = {
        "window": WINDOW,
        "fewest": FEWEST_WINDOWS,
        "windows": len(chapters),
        "chapters": len(set(chapters)),
        "auc": None,
        "difference": None,
    }
    if len(chapters) < FEWEST_WINDOWS or len(set(chapters)) < FEWEST_CHAPTERS or not systems:
        return result
    told = {name: told_apart(windows[HUMAN], windows[name], chapters) for name in systems}
    names = list(dict.fromkeys(chapters))
    pairs = [chapters.count(name) ** 2 for name in names]
    result["auc"] = {
        name: between_none_and_all(
            interval_over_folds([right[chapter] for chapter in names], pairs, names)
        )
        for name, right in told.items()
    }
    if len(systems) == 2:
        change = [told[TUNED][chapter] - told[BASE][chapter] for chapter in names]
        result["difference"] = interval_over_folds(change, pairs, names)
    return result


def told_apart(
    author: Sequence[str], system: Sequence[str], chapters: Sequence[Hashable]
) -> dict[Hashable, float]:
    """In each chapter, of how many pairs of one window of either side the classifier, which has not seen the chapter, says rightly which is the
    system's; a tie is half.

    Windows are compared within their chapter alone: scores of differently trained classifiers have no common scale.

    Args:
        author, system: windows; those at one place are of the same chapter.
        chapters: the chapter of each place.
    """
    texts = np.array([*author, *system], dtype=object)
    labels = np.repeat([0, 1], len(author))
    groups = np.array([list(dict.fromkeys(chapters)).index(chapter) for chapter in chapters] * 2)
    right: dict[Hashable, float] = {}
    for learnt, tried in LeaveOneGroupOut().split(texts, labels, groups):
        scores = _classifier().fit(texts[learnt], labels[learnt]).decision_function(texts[tried])
        apart = np.subtract.outer(scores[labels[tried] == 1], scores[labels[tried] == 0])
        right[chapters[tried[0] % len(author)]] = float(((apart > 0) + (apart == 0) / 2).sum())
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
        labels = np.repeat([0, 1], [len(side) for side in sides])
        classifier = _classifier().fit([*sides[0], *sides[1]], labels)
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
            apart = np.subtract.outer(scores[1], scores[0])
            right = float(((apart > 0) + (apart == 0) / 2).sum())
            found[left_out] = (right, float(apart.size))
    return result


def _classifier() -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
        LogisticRegression(C=10, solver="liblinear"),
    )


def _windows(
    samples: Sequence[dict], systems: Sequence[str]
) -> tuple[dict[str, list[str]], list[Hashable]]:
    """The windows of each system, and the chapter of each; after a prompt as many of each as its shortest text has."""
    windows: dict[str, list[str]] = {name: [] for name in systems}
    chapters: list[Hashable] = []
    for sample in samples:
        texts = {name: text_of(sample, name) or "" for name in systems}
        count = min(len(text) // WINDOW for text in texts.values())
        for name, text in texts.items():
            windows[name] += [text[WINDOW * at : WINDOW * (at + 1)] for at in range(count)]
        chapters += [(sample["novel"], sample["chapter"])] * count
    return windows, chapters
