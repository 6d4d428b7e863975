"""Which chapters are trained on, watched while training, and held out."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from xuxie.errors import UserError

SPLITS = ("train", "val", "test")


def split_chapters(
    chapters: Sequence[int], *, val: float, test: float, seed: int, novel: str
) -> dict[int, str]:
    """Assign each chapter to a split, spread over the course of the book.

    Neighbouring passages share people, places and phrases, so rows are never split one by one. The
    book is cut into as many stretches as there are held-out chapters, and one is drawn from each.

    Args:
        chapters: chapter numbers in book order (those that have pairs).
        val, test: shares of the chapters; at least one chapter each.

    Raises:
        UserError: fewer chapters than the three that a split needs.
    """
    if len(chapters) < 3:
        raise UserError(
            f"only {len(chapters)} chapter(s) of the novel have kept pairs, but train, val and test need one each",
            where=f"novel {novel}",
            remedy="lower pairs.threshold, ask more chunks, or give the novel a chapter_pattern that finds its chapters",
        )
    source = random.Random(f"{seed} {novel}")
    assigned = dict.fromkeys(chapters, "train")
    for name, share, left in (("test", test, 2), ("val", val, 1)):
        free = [chapter for chapter in chapters if assigned[chapter] == "train"]
        wanted = min(max(1, round(share * len(chapters))), len(free) - left)
        bounds = [round(index * len(free) / wanted) for index in range(wanted + 1)]
        for start, end in pairwise(bounds):
            assigned[source.choice(free[start:end])] = name
    return assigned


class Gap:
    """The distance that training rows keep from chapters that are not trained on.

    Args:
        held_out: spans of the chapters that are not trained on, in book order.
        gap: characters.
    """

    def __init__(self, held_out: Sequence[tuple[int, int]], gap: int):
        self._starts = [start - gap for start, _ in held_out]
        self._ends = [end + gap for _, end in held_out]

    def admits(self, start: int, end: int) -> bool:
        """Whether a span lies outside of these chapters and far enough away."""
        return bisect_right(self._ends, start) == bisect_left(self._starts, end)

    def clear_from(self, start: int) -> int:
        """From where on the text before a span that is admitted, and begins at `start`, is far enough away."""
        before = bisect_right(self._ends, start)
        return self._ends[before - 1] if before else 0
