"""What a dataset is made from: the files of its novels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, read_rows

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
