"""Where every character of a novel went: into which split, or why into none; and how much of the book is learnt from."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from xuxie.dataset.files import NovelFiles
from xuxie.dataset.novel import Novel
from xuxie.dataset.split import SPLITS

Span = tuple[int, int]


class CharacterAccount:
    """One label for each character of a text; a later entry replaces an earlier one.

    Args:
        length: the text's, in characters.
        label: what holds for a character of which nothing else is said.
    """

    def __init__(self, length: int, label: str):
        self._labels = {label: 0}
        self._label_of = np.zeros(length, dtype=np.uint8)

    def enter(self, span: Span, label: str) -> None:
        """Label a span."""
        start, end = span
        self._label_of[start:end] = self._labels.setdefault(label, len(self._labels))

    def totals(self, start: int = 0, end: int | None = None) -> dict[str, int]:
        """Characters of a stretch by label, in the order in which labels came up; they add up to its length."""
        counts = np.bincount(self._label_of[start:end], minlength=len(self._labels))
        return {
            label: int(count) for label, count in zip(self._labels, counts, strict=True) if count
        }

    def strip(self) -> list[list]:
        """The text from its beginning to its end: [start, end, label] of each run of characters with one label."""
        edges = [0, *(np.flatnonzero(np.diff(self._label_of)) + 1).tolist(), len(self._label_of)]
        labels = list(self._labels)
        return [
            [start, end, labels[self._label_of[start]]]
            for start, end in pairwise(edges)
            if start < end
        ]


def account_for_characters(
    text: str,
    *,
    chapters: Iterable[dict],
    chunks: Iterable[dict],
    unasked: Iterable[dict],
    failures: Iterable[dict],
    dropped: Iterable[tuple[dict, str]],
    untrained: Iterable[dict],
    rows: dict[str, list[dict]],
) -> CharacterAccount:
    """Say of each character of a text in which split it carries loss, and if in none, why.

    A completion carries loss, a prompt only where the recipe says so: a character that stands in other prompts alone says so.

    Args:
        chapters, chunks, unasked, failures: the rows of the novel's files of these names.
        dropped: candidate pairs that are in no split, with the reason. Where two overlap, the better scored one counts.
        untrained: spans of training chapters that are kept out, with the reason.
        rows: the dataset's rows of the novel, by split. Those that an LLM has written are no part of the text.
    """
    account = CharacterAccount(len(text), "outside the chapters")
    for chapter in chapters:
        account.enter((chapter["start"], chapter["end"]), "in no row")
    spans = {chunk["id"]: (chunk["start"], chunk["end"]) for chunk in chunks}
    for span in spans.values():
        account.enter(span, "asked about, in no pair")
    for chunk in unasked:
        account.enter(spans[chunk["chunk"]], f"not asked about: {chunk['because']}")
    for failure in failures:
        account.enter(spans[failure["chunk"]], f"failed: {failure['failed']}")
    for pair, reason in sorted(dropped, key=lambda entry: (entry[0]["score"] or 0, entry[0]["id"])):
        span = pair["prompt_span"][0], pair["completion_span"][1]
        account.enter(span, f"pair dropped: {reason}")
    every = [
        (split, row)
        for split in SPLITS
        for row in rows[split]
        if row["output"] == text[slice(*row["completion_span"])]
    ]
    for _, row in every:
        account.enter(row["span"], "in prompts alone")
    for hole in untrained:
        account.enter(hole["span"], hole["because"])
    for split, row in every:
        account.enter(row["learnt"], split)
    return account


def coverage(account: CharacterAccount, chapters: dict[int, Span]) -> dict:
    """How much of the training chapters carries loss in at least one training row, and why the rest does not.

    Args:
        chapters: the spans of the training chapters by number.

    Returns:
        characters, carrying_loss, share, and without (characters by reason), of all of them and by chapter.
    """
    by_chapter = {number: _covered(account.totals(*span)) for number, span in chapters.items()}
    without: dict[str, int] = {}
    for found in by_chapter.values():
        for reason, count in found["without"].items():
            without[reason] = without.get(reason, 0) + count
    covered = sum(found["carrying_loss"] for found in by_chapter.values())
    return _covered({"train": covered, **without}) | {
        "chapters": {str(number): found for number, found in by_chapter.items()}
    }


def _covered(totals: dict[str, int]) -> dict:
    characters, covered = sum(totals.values()), totals.get("train", 0)
    return {
        "characters": characters,
        "carrying_loss": covered,
        "share": covered / characters if characters else None,
        "without": {label: count for label, count in totals.items() if label != "train"},
    }


def ledger(
    dataset: str,
    novels: Sequence[Novel],
    files: dict[str, NovelFiles],
    leak: dict,
    sketches: dict[str, dict],
    usage: dict,
) -> dict:
    """The account of a dataset: of every row, pair and character.

    Args:
        files: of each novel, by its name.
        leak: what the proof of no leak has compared.
        sketches: by kind what an LLM was asked to tell of passages, and whether it fits; empty if none was asked.
        usage: what that took.
    """
    every = [row for novel in novels for split in SPLITS for row in novel.rows[split]]
    return {
        "dataset": dataset,
        "rows": {split: sum(len(novel.rows[split]) for novel in novels) for split in SPLITS},
        "turns": dict(sorted(Counter(len(row["history"]) for row in every).items())),
        "told": {
            what: {
                split: sum(bool(row[what]) for novel in novels for row in novel.rows[split])
                for split in SPLITS
            }
            for what in ("state", "outline")
        },
        "sketches": sketches,
        "sketch_usage": usage,
        "shared_shingles": leak["shared"],
        "novels": {novel.name: _of_novel(novel, files[novel.name]) for novel in novels},
    }


def _of_novel(novel: Novel, files: NovelFiles) -> dict:
    account = account_for_characters(
        files.text,
        chapters=files.chapters,
        chunks=files.chunks,
        unasked=files.unasked,
        failures=files.failures,
        dropped=[
            (pair, why)
            for pair in files.pairs
            if (why := pair["dropped_because"] or novel.unplaced.get(pair["id"]))
        ],
        untrained=novel.untrained(),
        rows=novel.rows,
    )
    totals = account.totals()
    return {
        "source": {**files.counts["characters"], "steps": files.counts["steps"]},
        "characters": {
            "kept": {split: totals.pop(split, 0) for split in SPLITS},
            "dropped": totals,
        },
        "coverage": coverage(
            account, {number: novel.span(number) for number in novel.of_split("train")}
        ),
        "strip": account.strip(),
        "notes": novel.notes,
        "pairs": files.summary,
        "rows": {split: len(novel.rows[split]) for split in SPLITS},
        "rows_cut_by": {
            split: dict(sorted(Counter(row["cut_by"] for row in novel.rows[split]).items()))
            for split in SPLITS
        },
        "rows_dropped": dict(Counter(novel.unplaced.values())),
    }
