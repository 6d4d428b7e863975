"""The file text.txt, to which every span refers: what is read has the characters that were written, line ends too."""

from pathlib import Path


def read_text(path: str | Path) -> str:
    """The text of a novel. Python's own reading would turn `\\r\\n` into one character and so move every span after it."""
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def write_text(path: str | Path, text: str) -> None:
    """Write the text of a novel as it is."""
    Path(path).write_text(text, encoding="utf-8", newline="")
