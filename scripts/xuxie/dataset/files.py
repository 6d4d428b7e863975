"""What a dataset is made from, the files of its novels, and what it consists of, files of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xuxie.dataset.novel import Novel
from xuxie.dataset.split import SPLITS
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, read_rows, write_rows

_ROWS = ("chapters", "chunks", "unasked", "failures", "pairs")
_DOCUMENTS = {"counts": "counts", "findings": "findings", "summaries": "summary"}


@dataclass
class NovelFiles:
    """What the files of one novel hold, by the names that they have there. Where no LLM is asked, there are no pairs.

    Attributes:
        counts: text.json.
        findings: chapters.json.
        summary: pairs.json.
    """

    text: str
    counts: dict = field(default_factory=dict)
    findings: dict = field(default_factory=dict)
    summary: dict = field(default_factory=dict)
    chapters: list[dict] = field(default_factory=list)
    chunks: list[dict] = field(default_factory=list)
    unasked: list[dict] = field(default_factory=list)
    failures: list[dict] = field(default_factory=list)
    pairs: list[dict] = field(default_factory=list)


@dataclass
class DatasetFiles:
    """What the files of a dataset hold: rows and whole texts by split, kept pairs in no row, and spans that are kept out."""

    rows: dict[str, list[dict]]
    texts: dict[str, list[dict]]
    unplaced: list[dict]
    untrained: list[dict]

    @classmethod
    def read(
        cls, rows: Sequence[str], texts: Sequence[str], unplaced: str, untrained: str
    ) -> "DatasetFiles":
        """Read the files that `write_novels` has written; a file of rows or texts is named after its split."""
        return cls(
            {Path(path).stem: list(read_rows(path)) for path in rows},
            {Path(path).stem: list(read_rows(path)) for path in texts},
            list(read_rows(unplaced)),
            list(read_rows(untrained)),
        )

    def of(self, novel: str) -> "DatasetFiles":
        """The part of one novel."""

        def own(rows: list[dict]) -> list[dict]:
            return [row for row in rows if row["novel"] == novel]

        return DatasetFiles(
            {split: own(rows) for split, rows in self.rows.items()},
            {split: own(texts) for split, texts in self.texts.items()},
            own(self.unplaced),
            own(self.untrained),
        )


def read_novels(
    names: Sequence[str], texts: Sequence[str], **paths: Sequence[str]
) -> dict[str, NovelFiles]:
    """The novels of a dataset by name.

    Args:
        texts, paths: of each novel, in the order of their names, its text and its other files; an empty list for a kind of file
            that there is none of.
    """
    novels = {name: NovelFiles(read_text(path)) for name, path in zip(names, texts, strict=True)}
    for kind, files in paths.items():
        for novel, path in zip(novels.values(), files, strict=False):
            if kind in _ROWS:
                setattr(novel, kind, list(read_rows(path)))
            else:
                setattr(novel, _DOCUMENTS[kind], read_json(path))
    return novels


def novels_of(files: dict[str, NovelFiles]) -> list[Novel]:
    """The novels on their way into a dataset, in the order of their names."""
    return [Novel(name, found.text, found.chapters, found.pairs) for name, found in files.items()]


def write_novels(
    novels: Sequence[Novel],
    *,
    rows: Sequence[str],
    whole_texts: Sequence[str],
    unplaced: str,
    untrained: str,
) -> None:
    """Write what became of the novels of a dataset.

    Args:
        rows, whole_texts: one file for each split; whole texts of train and val.
        unplaced: the kept pairs that are in no split, and why.
        untrained: the spans of training chapters that are in no row, and why.
    """
    for split, path in zip(SPLITS, rows, strict=True):
        write_rows(path, (row for novel in novels for row in novel.rows[split]))
    for split, path in zip(("train", "val"), whole_texts, strict=True):
        write_rows(path, (text for novel in novels for text in novel.texts[split]))
    write_rows(unplaced, (row for novel in novels for row in novel.unplaced_rows()))
    write_rows(untrained, (row for novel in novels for row in novel.untrained()))
