"""Copying: how much of an output stands word for word in the text that was trained on.

An author quotes himself too (a refrain, a name with its title), so a figure means something only
beside that of the true continuation.
"""

from collections.abc import Sequence

import numpy as np
from pydivsufsort import divsufsort, kasai

from xuxie.overlap.ngrams import COPY_NGRAM


def copy_lengths(training: str, texts: Sequence[str]) -> list[list[int]]:
    """For each character of each text, how long the run is that begins there and stands in the training text.

    White space is left out on both sides; a white character has length 0. One suffix array is made
    of everything (libdivsufsort): a run's best match is a neighbour, in sorted order, that begins in the training text.
    """
    packed = [_pack(text) for text in texts]
    known = _pack(training)[0]
    parts = [known, *(text for text, _ in packed)]
    # A separator that occurs once ends every part, so that no run goes over an edge.
    units = np.concatenate(
        [np.append(_units(part), 0x110000 + index) for index, part in enumerate(parts)]
    )
    suffixes = divsufsort(units)
    common = kasai(units, suffixes).tolist()
    best = np.zeros(len(units), dtype=np.int64)
    order = suffixes.tolist()
    for walk, gap in ((range(len(order)), -1), (range(len(order) - 1, -1, -1), 0)):
        shared = 0
        for place in walk:
            # common[i] is the common prefix of the suffixes at i and i + 1.
            shared = min(shared, common[place + gap]) if 0 <= place + gap < len(common) else 0
            if order[place] < len(known):
                shared = len(units)
            elif shared > best[order[place]]:
                best[order[place]] = shared
    lengths = []
    start = len(known) + 1
    for text, (run, places) in zip(texts, packed, strict=True):
        found = [0] * len(text)
        for place, length in zip(places, best[start : start + len(run)].tolist(), strict=True):
            found[place] = length
        lengths.append(found)
        start += len(run) + 1
    return lengths


def copied_runs(text: str, lengths: Sequence[int], run: int = COPY_NGRAM) -> list[tuple[int, int]]:
    """The stretches of a text, as half-open offsets, that lie in copies of at least `run` characters; overlapping ones are joined."""
    places = [place for place, character in enumerate(text) if not character.isspace()]
    runs: list[list[int]] = []
    for index, place in enumerate(places):
        if lengths[place] >= run:
            end = places[index + lengths[place] - 1] + 1
            if runs and place <= runs[-1][1]:
                runs[-1][1] = max(end, runs[-1][1])
            else:
                runs.append([place, end])
    return [(start, end) for start, end in runs]


def _pack(text: str) -> tuple[str, list[int]]:
    places = [place for place, character in enumerate(text) if not character.isspace()]
    return "".join(text[place] for place in places), places


def _units(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(
        np.int64
    )
