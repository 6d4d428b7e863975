"""The book as a strip: what is learnt from, what is held out, and what carries no loss."""

from collections import Counter
from itertools import groupby, pairwise

from xuxie.dataset.split import SPLITS

_CELLS = 600
_OUTSIDE = "outside the chapters"


def strips(ledger: dict) -> list[dict]:
    """For each novel of a dataset how much of it is learnt from, what of the rest is not and why, and the strip's runs.

    Returns:
        by novel: `runs`, each with start and width in cells of the strip and its kind (a split, `without` or `outside`).
    """
    return [
        {
            "novel": name,
            "share": f"{part['coverage']['share']:.1%}",
            "characters": part["coverage"]["characters"],
            "without": part["coverage"]["without"],
            "notes": part["notes"],
            "cells": _CELLS,
            "runs": _runs(part["strip"]),
        }
        for name, part in ledger["novels"].items()
    ]


def _runs(strip: list[list]) -> list[dict]:
    """The strip at the resolution of a screen: each cell is of the kind that most of its characters are of."""
    length = strip[-1][1] if strip else 0
    cells: list[Counter] = [Counter() for _ in range(_CELLS)]
    edges = [cell * length / _CELLS for cell in range(_CELLS + 1)]
    bounds = list(pairwise(edges))
    for start, end, label in strip:
        first, last = start * _CELLS // length, min((end * _CELLS - 1) // length, _CELLS - 1)
        for cell in range(first, last + 1):
            left, right = bounds[cell]
            cells[cell][_kind(label)] += min(end, right) - max(start, left)
    kinds = [counts.most_common(1)[0][0] for counts in cells if counts]
    runs, place = [], 0
    for kind, same in groupby(kinds):
        width = len(list(same))
        runs.append({"start": place, "width": width, "kind": kind})
        place += width
    return runs


def _kind(label: str) -> str:
    if label in SPLITS:
        return label
    return "outside" if label == _OUTSIDE else "without"
