"""Which chapters are trained on, watched while training, and held out."""

import random
from collections.abc import Sequence
from itertools import pairwise

from xuxie.errors import UserError

SPLITS = ("train", "val", "test")

LEAST_HELD_OUT = 4
"""So many chapters are held out at least where a novel has three times as many: an interval is taken over chapters."""


def split_chapters(
    chapters: Sequence[int], *, method: str, val: float, test: float, seed: int, novel: str
) -> dict[int, str]:
    """Assign each chapter to a split.

    Neighbouring passages share people, places and phrases, so rows are never split one by one.

    Args:
        chapters: chapter numbers in book order.
        method: `spread` cuts the book into as many stretches as there are chapters to hold out, and draws one from each; `last`
            holds out the end of the book, and watches the chapters before it.
        val, test: shares of the chapters; one chapter each at least, and `LEAST_HELD_OUT` for test where there are enough.

    Raises:
        UserError: fewer chapters than the three that a split needs.
    """
    count = len(chapters)
    if count < 3:
        raise UserError(
            f"the novel has {count} chapter(s), but train, val and test need one each",
            where=f"novel {novel}",
            remedy="give it a chapter_pattern that finds its chapters, or, if it has no headings, a smaller scene_size",
        )
    least = LEAST_HELD_OUT if count >= 3 * LEAST_HELD_OUT else 1
    held_out = min(max(least, round(test * count)), count - 2)
    watched = min(max(1, round(val * count)), count - held_out - 1)
    if method == "last":
        names = ["train"] * (count - watched - held_out) + ["val"] * watched + ["test"] * held_out
        return dict(zip(chapters, names, strict=True))
    source = random.Random(f"{seed} {novel}")
    assigned = dict.fromkeys(chapters, "train")
    for name, wanted in (("test", held_out), ("val", watched)):
        free = [chapter for chapter in chapters if assigned[chapter] == "train"]
        bounds = [round(index * len(free) / wanted) for index in range(wanted + 1)]
        for start, end in pairwise(bounds):
            assigned[source.choice(free[start:end])] = name
    return assigned
