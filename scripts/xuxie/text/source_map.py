"""The way back from text.txt to the bytes of the source files."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import numpy as np

from xuxie.files.rows import read_rows, write_rows
from xuxie.text.aligned import AlignedText
from xuxie.text.decode import Decoded
from xuxie.text.sources import parted, read_sources


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a source: its name (`file`, or `file.epub!part`) and the offset of a byte."""

    source: str
    byte: int


def write_source_map(path: str | Path, aligned: AlignedText, decoded: Sequence[Decoded]) -> None:
    """Write one row for each source: its name, its encoding, and where runs of characters begin.

    A run is a stretch of text.txt whose characters follow each other in the source too. Row by
    row, `text` lists where runs start in text.txt, `bytes` where they start in the source; both
    as differences from the number before.
    """
    write_rows(path, _rows(aligned, decoded))


def _rows(aligned: AlignedText, decoded: Sequence[Decoded]) -> Iterator[dict]:
    starts, origins = aligned.runs()
    bases = np.cumsum([0, *(len(source.text) for source in decoded)])
    for number, source in enumerate(decoded):
        own = (origins >= bases[number]) & (origins < bases[number + 1])
        characters = origins[own] - bases[number]
        order = np.argsort(characters, kind="stable")
        offsets = np.empty(len(characters), dtype=np.int64)
        offsets[order] = source.byte_offsets(characters[order])
        yield {
            "source": source.name,
            "encoding": source.encoding,
            "text": np.diff(starts[own], prepend=0).tolist(),
            "bytes": np.diff(offsets, prepend=0).tolist(),
        }


class SourceMap:
    """Finds the bytes that characters of text.txt come from."""

    def __init__(self, path: str | Path):
        runs = [
            (start, byte, row["source"], row["encoding"])
            for row in read_rows(path)
            for start, byte in zip(accumulate(row["text"]), accumulate(row["bytes"]), strict=True)
        ]
        self._runs = sorted(runs)
        self._starts = [run[0] for run in self._runs]

    def locate(self, position: int) -> Place:
        """Where the character at this offset of text.txt comes from; reads the source file.

        A character that normalising put in is located at what it stands for.
        """
        start, byte, source, encoding = self._runs[max(bisect_right(self._starts, position) - 1, 0)]
        before = position - start
        ahead = _data(source)[byte : byte + 4 * before].decode(encoding, "ignore")[:before]
        return Place(source, byte + len(ahead.encode(encoding)))


@cache
def _data(name: str) -> bytes:
    file, _ = parted(name)
    return next(source.data for source in read_sources([file]) if source.name == name)
