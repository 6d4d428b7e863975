"""A novel's files in reading order: text, Markdown and EPUB."""

import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import unquote

from xuxie.errors import UserError
from xuxie.text import headings, numerals
from xuxie.text.forms import form_of

# How files that are no text begin.
_BINARY = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "gzip data",
    b"\xd0\xcf\x11\xe0": "an old Word document",
    b"{\\rtf": "an RTF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"BOOKMOBI": "a Kindle book",
}

# What counts in a name that is no heading: 雨夜2, 雨夜（二）, 雨夜（下）.
_PARTS = {"上": 1, "中": 2, "下": 3}
_COUNTS = re.compile(rf"(\d+|[{numerals.CHINESE}]+|[{''.join(_PARTS)}](?=[）)\]】]?$))")

_ENCRYPTION = "META-INF/encryption.xml"


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that hold text.

    Attributes:
        name: the file; for a part of an EPUB, the file and the part, as `book.epub!chapter1.xhtml`.
        data: what is in it.
        form: text, markdown or html.
    """

    name: str
    data: bytes
    form: str


def parted(name: str) -> tuple[str, str]:
    """(file, part) of a source's name; the part is empty if the file is no EPUB."""
    # Files and folders may have a `!` in their own names.
    book = re.fullmatch(r"(.*?\.epub)!(.+)", name, re.IGNORECASE | re.DOTALL)
    return (book[1], book[2]) if book else (name, "")


def reading_order(paths: Iterable[str]) -> list[str]:
    """Sort a novel's files as a person would: 楔子, 第二章, 第10章, 尾声; part2.txt before part10.txt; 卷一/第2章 before 卷二/第1章."""
    return sorted(paths, key=_place_in_novel)


def _place_in_novel(path: str) -> tuple:
    # Volumes count their chapters from 1 each: folders come before what is in them.
    return [_place_by_name(name) for name in (*Path(path).parts[:-1], Path(path).stem)], path


def _place_by_name(name: str) -> tuple:
    """Where a file or folder belongs beside others of its folder."""
    heading = headings.parse(name)
    kind = heading.kind if heading else ""
    part = 0 if kind == "prologue" else 2 if kind in ("extra", "epilogue", "afterword") else 1
    by_number = (
        (heading.volume or 0, heading.number) if heading and heading.number is not None else (0, 0)
    )
    return part, by_number, [_ranked(piece) for piece in _COUNTS.split(name)]


def _ranked(piece: str) -> tuple[int, str]:
    if piece.isdecimal():
        return int(piece), ""
    number = numerals.number(piece) if _COUNTS.fullmatch(piece) else None
    number = _PARTS.get(piece, number)
    return (0, piece) if number is None else (number, "")


def read_sources(paths: list[str]) -> Iterator[Source]:
    """Read the files in the order given, one at a time.

    Raises:
        UserError: a file is missing, empty, no text, or of a kind that is not read.
    """
    if not paths:
        raise UserError("the novel has no files", remedy="check its path in the config")
    for path in paths:
        yield from _read(Path(path))


def _read(path: Path) -> list[Source]:
    form = form_of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"the file cannot be read: {error.strerror}",
            where=str(path),
            remedy="check the novel's path in the config",
        ) from error
    if form == "epub":
        return _epub(path, data)
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise UserError(
            "the file is empty", where=str(path), remedy="give a file with the novel's text in it"
        )
    for magic, kind in _BINARY.items():
        if data.startswith(magic) or (magic == b"BOOKMOBI" and data[60:68] == magic):
            raise UserError(
                f"the file is {kind}, not text",
                where=str(path),
                remedy="save the novel as text (.txt) or EPUB",
            )
    return [Source(str(path), data, form)]


def _epub(path: Path, data: bytes) -> list[Source]:
    from ebooklib import ITEM_DOCUMENT, epub

    if not data:
        raise UserError(
            "the file is empty", where=str(path), remedy="give a file with the novel's text in it"
        )
    try:
        encrypted = _encrypted(path)
        reader = epub.EpubReader(str(path))
        with warnings.catch_warnings(action="ignore"):
            book = reader.load()
    except Exception as error:  # the library raises whatever its parsers raise
        raise UserError(
            f"the EPUB cannot be read: {error}",
            where=str(path),
            remedy="save it anew, with calibre for example, and without copy protection",
        ) from error
    items = [book.get_item_with_id(name) for name, *_ in book.spine]
    documents = [
        item
        for item in items
        if item is not None
        and item.get_type() == ITEM_DOCUMENT
        and not isinstance(item, epub.EpubNav)
    ]
    if not documents:
        raise UserError(
            "the EPUB names no text in its reading order",
            where=str(path),
            remedy="save it anew, with calibre for example",
        )
    if encrypted & {normpath(join(reader.opf_dir, item.get_name())) for item in documents}:
        raise UserError(
            "the EPUB is encrypted",
            where=str(path),
            remedy="give a file without copy protection",
        )
    return [Source(f"{path}!{item.get_name()}", item.content, "html") for item in documents]


def _encrypted(path: Path) -> set[str]:
    """The files in an EPUB that are encrypted: of many books fonts alone, which a publisher may not give away."""
    from ebooklib.utils import parse_string  # which resolves no entities

    with zipfile.ZipFile(path) as archive:
        if _ENCRYPTION not in archive.namelist():
            return set()
        tree = parse_string(archive.read(_ENCRYPTION))
    references = tree.iterfind(".//{http://www.w3.org/2001/04/xmlenc#}CipherReference")
    return {normpath(unquote(reference.get("URI", ""))) for reference in references}
