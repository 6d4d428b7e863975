"""Training and held-out text kept apart: by distance, by shared passages, and by repeated completions."""

from collections.abc import Iterator, Sequence

from xuxie.dataset.alpaca import prose
from xuxie.dataset.novel import Novel
from xuxie.dataset.passages import (
    STRUCTURE,
)
from xuxie.overlap.duplicates import Duplicates
from xuxie.overlap.leakage import Texts, check_no_leak, leaking_rows, shared_spans
from xuxie.prompts.told import told

NEAR, SHARED = "too near a held-out chapter", "shares a passage with a held-out chapter"


def keep_away(novel: Novel, gap: int) -> None:
    """Take out of training chapters what is nearer than the gap to a held-out one."""
    trained = list(novel.of_split("train"))
    for held_out in novel.of_split("val", "test"):
        start, end = novel.span(held_out)
        for number in trained:
            first, last = novel.span(number)
            near = max(first, start - gap), min(last, end + gap)
            if near[0] < near[1]:
                novel.usable[number].leave_out(*near, NEAR)


def keep_apart(novels: Sequence[Novel], on_leak: str, where: str) -> None:
    """Take out of training chapters the sentences that have a passage in common with a held-out chapter of any novel."""
    held_out = Texts(
        *_named(
            (f"{novel.name}, chapter {number}", novel.text[slice(*novel.span(number))])
            for novel in novels
            for number in novel.of_split("val", "test")
        )
    )
    stretches = [
        (novel, number, span)
        for novel in novels
        for number in novel.of_split("train")
        for span in novel.usable[number].stretches
    ]
    texts = [novel.text[start:end] for novel, _, (start, end) in stretches]
    if on_leak == "stop":
        names = [f"{novel.name}, chapter {number}" for novel, number, _ in stretches]
        check_no_leak(Texts(names, texts), held_out, where=where)
        return
    for (novel, number, (begin, _)), shared in zip(
        stretches, shared_spans(texts, held_out), strict=True
    ):
        for start, end in shared:
            novel.usable[number].leave_out(begin + start, begin + end, SHARED)


def leave_out_repeated(novels: Sequence[Novel], near: float) -> None:
    """Take out training completions that repeat a held-out or an earlier one, of any novel."""
    held_out, trained = Duplicates(near), Duplicates(near)
    for novel in novels:
        for number in novel.of_split("val", "test"):
            for tile in novel.tiles[number]:
                held_out.add(tile["completion"])
    for novel in novels:
        for number in novel.of_split("train"):
            fresh = []
            for tile in novel.tiles[number]:
                if kind := held_out.kind_of(tile["completion"]):
                    because = f"{kind} of a held-out completion"
                elif kind := trained.kind_of(tile["completion"]):
                    because = f"{kind} of another completion"
                else:
                    trained.add(tile["completion"])
                    fresh.append(tile)
                    continue
                start, end = tile["completion_span"]
                novel.usable[number].leave_out(start, end, because)
                if tile["cut_by"] != STRUCTURE:
                    novel.unplaced[tile["id"]] = because
            novel.tiles[number] = fresh


def drop_leaking(novels: Sequence[Novel]) -> None:
    """Leave out the training rows that still share a passage with a held-out row, such as those an LLM has written."""
    leaking = leaking_rows(*_both_sides(novels))
    for novel in novels:
        novel.unplaced |= {
            row["id"]: "shares a passage with a held-out row"
            for row in novel.rows["train"]
            if row["id"] in leaking
        }
        novel.rows["train"] = [row for row in novel.rows["train"] if row["id"] not in leaking]


def prove_apart(novels: Sequence[Novel], where: str) -> dict[str, int]:
    """Show that no training row shares a passage with a held-out row of any novel.

    Args:
        where: which dataset, for the message.

    Returns:
        What was compared (see `check_no_leak`).

    Raises:
        UserError: a passage is on both sides.
    """
    return check_no_leak(*_both_sides(novels), where=where)


def _both_sides(novels: Sequence[Novel]) -> tuple[Texts, Texts]:
    """What is trained on, and what is held out."""
    trained = [row for novel in novels for row in novel.rows["train"]]
    held_out = [row for novel in novels for row in novel.rows["val"] + novel.rows["test"]]
    return _shown(trained), _prose(held_out)


def _prose(rows: list[dict]) -> Texts:
    return Texts([row["id"] for row in rows], [prose(row) for row in rows])


def _shown(rows: list[dict]) -> Texts:
    """All that rows show: their prose, and what they are told beside it."""
    texts = [prose(row) for row in rows]
    texts += [told("", row["state"], row["outline"]) for row in rows]
    return Texts([row["id"] for row in rows] * 2, texts)


def _named(texts: Iterator[tuple[str, str]]) -> tuple[list[str], list[str]]:
    both = list(texts)
    return [name for name, _ in both], [text for _, text in both]
