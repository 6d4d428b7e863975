"""Training and held-out text kept apart: by distance, by shared passages, and by repeated completions."""

from collections.abc import Iterator, Sequence

from xuxie.dataset.alpaca import prose
from xuxie.dataset.novel import Novel
from xuxie.dataset.passages import STRUCTURE
from xuxie.overlap.duplicates import Duplicates
from xuxie.overlap.leakage import Texts, check_no_leak, leaking_rows, shared_spans
from xuxie.prompts.told import instruction_alone, told

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
    """Take out of training chapters the sentences that have a passage in common with a held-out chapter of any novel, or its heading."""
    held_out = Texts(
        *_named(
            (
                f"{novel.name}, chapter {number}",
                f"{novel.heading(number)}\n{novel.text[slice(*novel.span(number))]}",
            )
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
    """Take out training completions that repeat a held-out or an earlier one, of any novel.

    Whole sentences are taken out: where completions end within a sentence, the neighbours of what is repeated go too.
    """
    held_out, trained = Duplicates(near), Duplicates(near)
    for novel in novels:
        for number in novel.of_split("val", "test"):
            for tile in novel.tiles[number]:
                held_out.add(tile["completion"])
    for novel in novels:
        for number in novel.of_split("train"):
            usable, kept = novel.usable[number], []
            for tile in novel.tiles[number]:
                if not usable.stretch_of(*tile["completion_span"]):
                    continue
                if kind := held_out.kind_of(tile["completion"]):
                    because = f"{kind} of a held-out completion"
                elif kind := trained.kind_of(tile["completion"]):
                    because = f"{kind} of another completion"
                else:
                    trained.add(tile["completion"])
                    continue
                start, end = tile["completion_span"]
                usable.leave_out(start, end, because)
            for tile in novel.tiles[number]:
                if usable.stretch_of(*tile["completion_span"]):
                    kept.append(tile)
                else:
                    novel.note_unplaced(tile, usable.why_not(*tile["completion_span"]))
            novel.tiles[number] = kept


def prove_apart(novels: Sequence[Novel], on_leak: str, where: str) -> dict[str, int]:
    """Show that no training row shares a passage with a held-out row of any novel.

    Args:
        on_leak: `drop` first lets training rows that do go without what they show beside the novel's text, and leaves out those
            that still do, such as what an LLM has written.
        where: which dataset, for the message.

    Returns:
        What was compared (see `check_no_leak`).

    Raises:
        UserError: a passage is on both sides.
    """
    trained, held_out = _both_sides(novels)
    for remedy in (_bare, _leave_out) if on_leak == "drop" else ():
        if not (leaking := leaking_rows(trained, held_out)):
            break
        for novel in novels:
            remedy(novel, leaking)
        trained, _ = _both_sides(novels)
    return check_no_leak(trained, held_out, where=where)


def _bare(novel: Novel, leaking: set[str]) -> None:
    """Let these training rows show nothing but text: neither the heading of their chapter nor what they are told."""
    for row in (row for row in novel.rows["train"] if row["id"] in leaking):
        start, end = row["prompt_span"]
        if start == end and row["cut_by"] == STRUCTURE:
            row["input"] = ""
        row |= {"instruction": instruction_alone(row), "state": "", "outline": ""}


def _leave_out(novel: Novel, leaking: set[str]) -> None:
    """Leave out these training rows, and note it of those that are kept pairs."""
    for row in novel.rows["train"]:
        if row["id"] in leaking:
            novel.note_unplaced(row, "shares a passage with a held-out row")
    novel.rows["train"] = [row for row in novel.rows["train"] if row["id"] not in leaking]


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
