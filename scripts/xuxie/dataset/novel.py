"""A novel on its way into a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xuxie.dataset.passages import STRUCTURE
from xuxie.dataset.split import SPLITS
from xuxie.dataset.stretches import Usable
from xuxie.text.cast import Cast


@dataclass
class Novel:
    """A novel, and what becomes of it in a dataset.

    Attributes:
        chapters: the rows of chapters.jsonl; a chapter's number here is its place in them, from 1.
        pairs: its candidate pairs.
        summaries: what happens in a chapter, by number, where an LLM was asked.
        outlines: what happens in a row's completion, by the row's id, where an LLM was asked.
        cast: who and where its rows are told of.
        splits: the split of each chapter.
        usable: what of each chapter may become rows.
        tiles: completions, by chapter, in the order of the text.
        rows: by split.
        texts: stretches of whole text for the stage `pt`, by split.
        unplaced: of each kept pair that is no row, why.
        notes: what is odd about its chapters (see `notes`).
    """

    name: str
    text: str
    chapters: Sequence[dict]
    pairs: Sequence[dict] = ()
    summaries: dict[int, str] = field(default_factory=dict)
    outlines: dict[str, str] = field(default_factory=dict)
    cast: Cast = field(default_factory=lambda: Cast([], []))
    splits: dict[int, str] = field(default_factory=dict)
    usable: dict[int, Usable] = field(default_factory=dict)
    tiles: dict[int, list[dict]] = field(default_factory=dict)
    rows: dict[str, list[dict]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    texts: dict[str, list[dict]] = field(default_factory=lambda: {"train": [], "val": []})
    unplaced: dict[str, str] = field(default_factory=dict)
    notes: list[dict] = field(default_factory=list)

    def of_split(self, *names: str) -> Iterator[int]:
        """The chapters of these splits."""
        return (number for number, split in self.splits.items() if split in names)

    def span(self, chapter: int) -> tuple[int, int]:
        """Where a chapter lies in the text."""
        row = self.chapters[chapter - 1]
        return row["start"], row["end"]

    def heading(self, chapter: int) -> str:
        """The line that heads a chapter; nothing for one that has none."""
        row = self.chapters[chapter - 1]
        if row["kind"] in ("opening", "scene"):
            return ""
        before = self.span(chapter - 1)[1] if chapter > 1 else 0
        lines = self.text[before : row["start"]].strip().splitlines()
        return lines[-1].strip() if lines else ""

    def note_unplaced(self, passage: dict, because: str) -> None:
        """Note of a passage that it is no row, if a pair cut it: only pairs are accounted for one by one."""
        if passage["cut_by"] != STRUCTURE:
            self.unplaced[passage["id"]] = because

    def unplaced_rows(self) -> list[dict]:
        """The kept pairs that are no row, and why."""
        return [
            {"id": pair, "novel": self.name, "because": why} for pair, why in self.unplaced.items()
        ]

    def untrained(self) -> list[dict]:
        """What of the training chapters is kept out of the rows, in order, and why."""
        return [
            {"novel": self.name, "chapter": number, "span": list(span), "because": because}
            for number in self.of_split("train")
            for span, because in sorted(self.usable[number].holes)
        ]
