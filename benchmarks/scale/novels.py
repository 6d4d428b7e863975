"""Many short novels out of the sample novel, as they come: in five encodings, with and without faults, and a few that are no novels.

Each shelf is the sample novel, begun at another paragraph and cut into its books, so that no two books of a shelf share text;
each sentence ends with its book's number, so that no two books of all shelves ask an endpoint the same.
"""

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "resources/novels/ban-jin-du.txt"

#: Books of a shelf; each shelf is a dataset.
SHELF = 20
CHAPTERS = 4
#: Paragraphs of the sample novel that a shelf begins after the shelf before.
STEP = 11

WATERMARK = "天才一秒记住本站地址：www.example.com 最快更新"

#: How files come, by turns: name, encoding, line end, whether there are watermarks.
FORMS = [
    ("utf-8", "utf-8", "\n", False),
    ("bom", "utf-8-sig", "\n", False),
    ("gb18030", "gb18030", "\n", False),
    ("big5", "big5", "\r\n", False),
    ("utf-16", "utf-16", "\r\n", False),
    ("crlf", "utf-8", "\r\n", False),
    ("watermarks", "utf-8", "\n", True),
    ("gb18030-watermarks", "gb18030", "\r\n", True),
]

#: What is no novel, and what is said of it. (An empty file ends a run before it begins, with its name.)
BROKEN = {
    "blank": ("\n　\n".encode() * 100, "nothing is left that could be read"),
    "binary": (bytes(range(256)) * 64, "no text in any encoding"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(2000), "not text"),
    "headings": ("第一章 空\n第二章 空\n第三章 空\n".encode(), "nothing under them"),
}


@dataclass(frozen=True)
class Library:
    """What was written: the shelves' books, and those that are to be refused, each with what is to be said of it."""

    shelves: dict[str, list[str]]
    broken: dict[str, str]

    @property
    def books(self) -> list[str]:
        """All that can be read."""
        return [book for books in self.shelves.values() for book in books]


def write_library(folder: Path, count: int, broken: int) -> Library:
    """Write so many novels, and so many that are none, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paragraphs = [
        line
        for line in SAMPLE.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("第", "《"))
    ]
    shelves: dict[str, list[str]] = {}
    for number in range(count):
        shelf, place = divmod(number, SHELF)
        book = f"book-{number:04}"
        shelves.setdefault(f"shelf-{shelf:02}", []).append(book)
        start = STEP * shelf + place * len(paragraphs) // SHELF
        taken = [paragraphs[(start + i) % len(paragraphs)] for i in range(len(paragraphs) // SHELF)]
        (folder / f"{book}.txt").write_bytes(_file(number, taken))
    refused = {}
    for number, (what, (content, said)) in zip(range(broken), list(BROKEN.items()) * broken):
        (folder / f"broken-{what}-{number}.txt").write_bytes(content)
        refused[f"broken-{what}-{number}"] = said
    return Library(shelves, refused)


def _numbered(paragraph: str, number: int) -> str:
    return re.sub("(?=[。！？])", str(number), paragraph)


def _file(number: int, paragraphs: list[str]) -> bytes:
    """A book's bytes, in the form whose turn it is."""
    _, encoding, line_end, marked = FORMS[number % len(FORMS)]
    size, lines = -(-len(paragraphs) // CHAPTERS), []
    for chapter in range(1, CHAPTERS + 1):
        part = paragraphs[(chapter - 1) * size : chapter * size]
        lines += [f"第{chapter}章 第{number}本", *(_numbered(line, number) for line in part)]
        lines += [WATERMARK] * marked + [""]
    # Big5 lacks simplified characters: they are left out, as this text is not meant to be read.
    return line_end.join(lines).encode(encoding, "ignore" if encoding == "big5" else "strict")
