"""Requests that wait for the next batch lie on the disk, line by line, as they will go up."""

import tempfile
from collections.abc import Iterator, KeysView, Set
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from xuxie.errors import UserError
from xuxie.llm.batch_api import MOST_BYTES
from xuxie.llm.batch_record import Asked


class Spool:
    """Requests that gather. Their file has no name: nothing of it outlives its process.

    Args:
        folder: on whose disk they lie; made with the first one.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._asked: Asked = {}
        self._lines: IO[bytes] | None = None

    def __len__(self) -> int:
        return len(self._asked)

    def keys(self) -> KeysView[str]:
        """The questions' keys."""
        return self._asked.keys()

    def add(self, key: str, id: str, size: int, line: bytes) -> None:
        """Add the line of a question that the model reads as about so many bytes."""
        with self._disk():
            if self._lines is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._lines = tempfile.TemporaryFile(dir=self._folder)
            self._lines.write(line)
        self._asked[key] = id, size

    def parts(self, keys: Set[str], most: int) -> Iterator[tuple[Asked, IO[bytes]]]:
        """Those with these keys, in files that a provider takes, of so many questions at most."""
        asked: Asked = {}
        lines: IO[bytes] | None = None
        for key, line in self._each():
            if key not in keys:
                continue
            if lines and (len(asked) >= most or lines.tell() + len(line) > MOST_BYTES):
                yield asked, lines
                asked, lines = {}, None
            with self._disk():
                lines = lines or tempfile.TemporaryFile(dir=self._folder)
                lines.write(line)
                asked[key] = self._asked[key]
        if lines is not None:
            yield asked, lines

    def _each(self) -> Iterator[tuple[str, bytes]]:
        if self._lines is not None:
            with self._disk():
                self._lines.seek(0)
            yield from zip(self._asked, self._lines, strict=True)

    def close(self) -> None:
        """Let it go."""
        if self._lines is not None:
            self._lines.close()

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"the questions of a batch cannot be put down: {error.strerror}",
                where=str(self._folder),
                remedy="make room, or name another folder in llm.journal; what was answered before is safe",
            ) from error
