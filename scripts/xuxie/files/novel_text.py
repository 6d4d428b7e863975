"""The file text.txt, to which every span refers: what is read has the characters that were written, line ends too."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from xuxie.files.rows import read_rows

Chapter = tuple[str, int]
"""A novel's name and the number of its chapter."""


def read_text(path: str | Path) -> str:
    """The text of a novel. Python's own reading would turn `\\r\\n` into one character and so move every span after it."""
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def write_text(path: str | Path, text: str) -> None:
    """Write the text of a novel as it is."""
    Path(path).write_text(text, encoding="utf-8", newline="")


def chapter_of(row: Mapping) -> Chapter:
    """The chapter that a row, a passage or a sample is of."""
    return row["novel"], row["chapter"]


def chapter_spans(names: Sequence[str], chapters: Sequence[str]) -> dict[Chapter, tuple[int, int]]:
    """Where each chapter of each novel stands in its text, by novel and number.

    Args:
        chapters: chapters.jsonl of each novel.
    """
    return {
        (name, number): (chapter["start"], chapter["end"])
        for name, path in zip(names, chapters, strict=True)
        for number, chapter in enumerate(read_rows(path), 1)
    }
