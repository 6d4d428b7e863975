"""The proof that nothing held out was trained on: no passage of 50 characters stands on both sides.

White space is left out. Every passage gets a hash of 64 bits, and where two agree the characters are compared, so
that the answer is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xuxie.errors import UserError
from xuxie.overlap.ngrams import LEAK_NGRAM, dense

_BASE = np.uint64(0x9E3779B97F4A7C15)
_END = ord("\n")


@dataclass(frozen=True)
class Leak:
    """A passage of a held-out row, as long as possible, that stands in a training row too, with the ids of both rows."""

    passage: str
    held_out: str
    trained: str


class Texts:
    """Many texts as one array of code points, and the hash of each of their passages.

    Args:
        ids, texts: the texts and their names, in the same order.
    """

    def __init__(self, ids: Sequence[str], texts: Sequence[str]):
        packed = [dense(text) for text in texts]
        self.ids = ids
        # With white space left out, a line end is free to mark where a text ends.
        self.codes = np.frombuffer(
            "".join(f"{text}\n" for text in packed).encode("utf-32-le"), dtype=np.uint32
        )
        self.starts = np.cumsum([0, *(len(text) + 1 for text in packed[:-1])])
        """Where each text begins in `codes`."""
        count = max(0, len(self.codes) - LEAK_NGRAM + 1)
        hashes = np.zeros(count, dtype=np.uint64)
        for offset in range(LEAK_NGRAM if count else 0):
            hashes *= _BASE
            hashes += self.codes[offset : offset + count]
        ends = np.concatenate([[0], np.cumsum(self.codes == _END, dtype=np.int32)])
        self.places = (
            np.flatnonzero(ends[LEAK_NGRAM:] == ends[:-LEAK_NGRAM])
            if count
            else np.zeros(0, dtype=np.int64)
        )
        """Where the passages begin."""
        self.hashes = hashes[self.places]
        """Their hashes."""

    def row_at(self, places: np.ndarray) -> np.ndarray:
        """The number of the text that each place is in."""
        return np.searchsorted(self.starts, places, side="right") - 1

    def passage(self, start: int, end: int) -> str:
        """The characters between two places."""
        return self.codes[start:end].tobytes().decode("utf-32-le")


def shared_places(texts: Texts, others: Texts) -> tuple[np.ndarray, np.ndarray]:
    """The places of passages that stand in `others` too, in order, and for each a place there."""
    order = np.argsort(others.hashes, kind="stable")
    known = others.hashes[order]
    first = np.searchsorted(known, texts.hashes)
    found = first < len(known)
    found[found] = known[first[found]] == texts.hashes[found]
    places, first = texts.places[found], first[found]
    there = others.places[order[first]]
    same = np.ones(len(places), dtype=bool)
    for offset in range(LEAK_NGRAM):
        same &= texts.codes[places + offset] == others.codes[there + offset]
    # Passages that differ and have one hash: any other passage of that hash may be the same.
    for index in np.flatnonzero(~same):
        own = texts.codes[places[index] : places[index] + LEAK_NGRAM]
        rank = first[index]
        while rank < len(known) and known[rank] == known[first[index]]:
            place = others.places[order[rank]]
            if np.array_equal(own, others.codes[place : place + LEAK_NGRAM]):
                same[index], there[index] = True, place
                break
            rank += 1
    return places[same], there[same]


def leaks(held_out: Texts, trained: Texts) -> list[Leak]:
    """The shared passages, in held-out order."""
    places, there = shared_places(held_out, trained)
    if not len(places):
        return []
    rows = held_out.row_at(places)
    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    first, last = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(places)]]) - 1
    sources = trained.row_at(there[first])
    return [
        Leak(held_out.passage(start, end + LEAK_NGRAM), held_out.ids[row], trained.ids[source])
        for start, end, row, source in zip(
            places[first], places[last], rows[first], sources, strict=True
        )
    ]


def shared_spans(trained: Sequence[str], held_out: Texts) -> list[list[tuple[int, int]]]:
    """For each text the stretches that stand in held-out ones too, as spans that don't touch, in offsets that count white space."""
    texts = Texts([""] * len(trained), trained)
    places, _ = shared_places(texts, held_out)
    rows = texts.row_at(places)
    found: list[list[tuple[int, int]]] = [[] for _ in trained]
    for row in np.unique(rows):
        solid = [index for index, char in enumerate(trained[row]) if not char.isspace()]
        for place in places[rows == row] - texts.starts[row]:
            start, end = solid[place], solid[place + LEAK_NGRAM - 1] + 1
            if found[row] and start <= found[row][-1][1]:
                start, _ = found[row].pop()
            found[row].append((start, end))
    return found


def leaking_rows(trained: Texts, held_out: Texts) -> set[str]:
    """The ids of the training rows in which a held-out passage stands."""
    places, _ = shared_places(trained, held_out)
    return {trained.ids[row] for row in np.unique(trained.row_at(places))}


def check_no_leak(trained: Texts, held_out: Texts, *, where: str) -> dict[str, int]:
    """Stop the run if a passage was both trained on and held out.

    Returns:
        How many different passages were compared on either side, and how many are `shared`: none.

    Raises:
        UserError: counts the shared passages and names the first, with their rows.
    """
    found = leaks(held_out, trained)
    if found:
        count = sum(len(leak.passage) - LEAK_NGRAM + 1 for leak in found)
        named = "; ".join(
            f"“{leak.passage}” of {leak.held_out} stands in {leak.trained}" for leak in found[:3]
        )
        raise UserError(
            f"{count} passages of {LEAK_NGRAM} characters of held-out rows stand in training rows, at {len(found)} places, the first: {named}",
            where=where,
            remedy="the novel repeats itself: split.on_leak: drop leaves such training rows out; or remove the repetition, or take another split.seed",
        )
    return {
        "trained": len(np.unique(trained.hashes)),
        "held_out": len(np.unique(held_out.hashes)),
        "shared": 0,
    }
