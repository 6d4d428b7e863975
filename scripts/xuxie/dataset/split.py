"""Which chapters are trained on, watched while training, and held out."""

import random
from collections.abc import Sequence

from xuxie.errors import UserError

SPLITS = ("train", "val", "test")


def split_chapters(chapters: Sequence[int], *, val: float, test: float, seed: int, novel: str) -> dict[int, str]:
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
    for name, share in (("test", test), ("val", val)):
        free = [chapter for chapter in chapters if assigned[chapter] == "train"]
        wanted = min(max(1, round(share * len(chapters))), len(free) - 1)
        bounds = [round(index * len(free) / wanted) for index in range(wanted + 1)]
        for start, end in zip(bounds, bounds[1:]):
            assigned[source.choice(free[start:end])] = name
    return assigned


def near_foreign_split(pair: dict, spans: dict[int, tuple[int, int]], assigned: dict[int, str], gap: int) -> bool:
    """Whether a training pair lies within `gap` characters of a chapter that is not trained on."""
    start, end = pair["prompt_span"][0], pair["completion_span"][1]
    return any(
        assigned.get(chapter, "train") != "train" and start < chapter_end + gap and end > chapter_start - gap
        for chapter, (chapter_start, chapter_end) in spans.items()
    )
