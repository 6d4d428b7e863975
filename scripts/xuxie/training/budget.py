"""Which rows are trained on where a budget of tokens does not hold all."""

import random
from collections.abc import Sequence

from xuxie.errors import UserError
from xuxie.files.novel_text import Chapter, chapter_of
from xuxie.overlap.spans import Span, covered


def drawn_within(
    rows: Sequence[dict], sizes: Sequence[int], budget: int, *, seed: int
) -> list[int]:
    """Draw rows, the same share of every chapter, until the budget is spent.

    The rows of each chapter are shuffled; then the chapters take turns: the one with the smallest share drawn goes first,
    ties in an order drawn by seed. So even a budget that does not hold a row of every chapter takes rows from all over the
    book.

    Args:
        rows: with `novel` and `chapter`.
        sizes: of the rows, in tokens.
        budget: the most tokens that the drawn rows may have together.
        seed: of the shuffle.

    Returns:
        The indices of the drawn rows, in the order of the rows.

    Raises:
        UserError: the budget does not hold a single row.
    """
    chapters: dict[Chapter, list[int]] = {}
    for index, row in enumerate(rows):
        chapters.setdefault(chapter_of(row), []).append(index)
    turns = []
    order = random.Random(seed).sample(range(len(chapters)), len(chapters))
    for place, (chapter, indices) in zip(order, chapters.items(), strict=True):
        random.Random(f"{seed} {chapter}").shuffle(indices)
        before, total = 0, sum(sizes[index] for index in indices)
        for index in indices:
            turns.append((before / total, place, index))
            before += sizes[index]
    turns.sort()
    drawn, spent = [], 0
    for _, _, index in turns:
        spent += sizes[index]
        if spent > budget:
            break
        drawn.append(index)
    if not drawn:
        raise UserError(
            f"{budget} tokens do not hold one row",
            where="config key adapters.*.tokens",
            remedy=f"set it to {spent} or more, or leave it out",
        )
    return sorted(drawn)


def coverage(texts: Sequence[dict], rows: Sequence[dict]) -> dict:
    """The share of the characters that carry loss in at least one row.

    Args:
        texts: the stretches of the training chapters, with `novel`, `chapter` and `span`.
        rows: what is trained on, with `novel`, `chapter` and `learnt`, the span whose tokens carry loss.

    Returns:
        `characters` and `covered`, in all and for each chapter under `chapters`.
    """
    learnt: dict[Chapter, list[Span]] = {}
    for row in rows:
        learnt.setdefault(chapter_of(row), []).append(tuple(row["learnt"]))
    chapters: dict[Chapter, list[int]] = {}
    for text in texts:
        key = chapter_of(text)
        start, end = text["span"]
        counts = chapters.setdefault(key, [0, 0])
        counts[0] += end - start
        counts[1] += covered(start, end, learnt.get(key, []))
    return {
        "characters": sum(characters for characters, _ in chapters.values()),
        "covered": sum(trained for _, trained in chapters.values()),
        "chapters": [
            {"novel": novel, "chapter": chapter, "characters": characters, "covered": trained}
            for (novel, chapter), (characters, trained) in chapters.items()
        ],
    }
