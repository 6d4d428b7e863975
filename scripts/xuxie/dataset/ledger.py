"""Where every character of a novel went: into which split, or why into none."""

from collections.abc import Iterable

import numpy as np

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
        self._marks = np.zeros(length, dtype=np.uint8)

    def enter(self, start: int, end: int, label: str) -> None:
        """Label a span."""
        self._marks[start:end] = self._labels.setdefault(label, len(self._labels))

    def totals(self) -> dict[str, int]:
        """Characters by label, in the order in which labels came up; they add up to the text's length."""
        counts = np.bincount(self._marks, minlength=len(self._labels))
        return {
            label: int(count) for label, count in zip(self._labels, counts, strict=True) if count
        }


def account_for_characters(
    length: int,
    *,
    chunks: Iterable[dict],
    unasked: Iterable[dict],
    failures: Iterable[dict],
    dropped: Iterable[tuple[dict, str]],
    rows: dict[str, list[dict]],
) -> dict[str, dict[str, int]]:
    """Say of each character of a text whether it stands in a row, and if not, how far it came.

    Args:
        length: of the text.
        chunks, unasked, failures: the rows of the novel's files of these names.
        dropped: candidate pairs that are in no split, with the reason. Where two overlap, the better scored one counts.
        rows: the dataset's rows of the novel, by split.

    Returns:
        `kept`, characters by split, and `dropped`, characters by reason.
    """
    account = CharacterAccount(length, "outside the chapters")
    spans = {}
    for chunk in chunks:
        spans[chunk["id"]] = chunk["start"], chunk["end"]
        account.enter(*spans[chunk["id"]], "asked about, in no pair")
    for chunk in unasked:
        account.enter(*spans[chunk["chunk"]], f"not asked about: {chunk['because']}")
    for failure in failures:
        account.enter(*spans[failure["chunk"]], f"failed: {failure['failed']}")
    for pair, reason in sorted(dropped, key=lambda entry: (entry[0]["score"] or 0, entry[0]["id"])):
        account.enter(pair["prompt_span"][0], pair["completion_span"][1], f"pair dropped: {reason}")
    for split in SPLITS:
        for row in rows[split]:
            account.enter(*row["span"], split)
    totals = account.totals()
    return {
        "kept": {split: totals.pop(split, 0) for split in SPLITS},
        "dropped": totals,
    }
