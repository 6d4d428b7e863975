"""What goes up as a batch, on record beside the journal before a provider can take money for it.

A record names its questions before their file goes up, the file before a batch is made of it, and the batch as soon as
it is known; each step is on the disk before the next one. So whoever finds a record without an owner knows what may be
paid for: nothing without a file; with a file, a batch that is found by it; or that batch. It goes when all that came
of the batch is in the journal.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.segments import in_use, sync_folder

Asked = dict[str, tuple[str, int]]
"""Questions by their keys in the journal: the caller's id, and about how many bytes the model reads."""


class Record:
    """A record that this process owns, for as long as it is open.

    Attributes:
        path: of its file.
        where: the address of the endpoint.
        file, batch: the provider's ids, as far as it got.
    """

    def __init__(self, path: Path, handle: int, lines: list[dict]):
        self.path, self._handle = path, handle
        self.where: str = lines[0]["where"]
        self.file: str | None = None
        self.batch: str | None = None
        for line in lines:
            self.file, self.batch = line.get("file", self.file), line.get("batch", self.batch)

    @classmethod
    def begin(cls, folder: Path, where: str, asked: Asked) -> "Record":
        """Put questions on record. To be called inside of `claiming`."""
        path = (
            folder / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}.batch"
        )
        questions = [{"key": key, "id": id, "size": size} for key, (id, size) in asked.items()]
        lines: list[dict] = [{"where": where}, *questions]
        unseen = path.with_suffix(".opening")
        handle = os.open(
            unseen, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        in_use(handle)  # it is ours before anybody can see it
        _write(handle, lines)
        os.rename(unseen, path)
        sync_folder(folder)
        return cls(path, handle, lines)

    @classmethod
    def take(cls, path: Path) -> "Record | None":
        """Own a record that somebody left; None if it has an owner, or is gone."""
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if in_use(handle) or os.fstat(handle).st_nlink == 0:
            os.close(handle)
            return None
        content = path.read_bytes()
        os.ftruncate(handle, content.rfind(b"\n") + 1)  # without a line that a kill tore
        return cls(path, handle, _lines(content))

    @property
    def asked(self) -> Asked:
        """The questions; they are read again, as a record may be held for a day."""
        found = _lines(os.pread(self._handle, os.fstat(self._handle).st_size, 0))
        return {line["key"]: (line["id"], line["size"]) for line in found if "key" in line}

    def note(self, **what: str | None) -> None:
        """Write down the `file` or the `batch`, and return when that is on the disk."""
        _write(self._handle, [what])
        self.file, self.batch = what.get("file", self.file), what.get("batch", self.batch)

    def forget(self) -> None:
        """Take it away: nothing more can come of it."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let it go; if it is still there, somebody else may take it."""
        os.close(self._handle)


@contextmanager
def claiming(folder: Path) -> Iterator[dict[Path, set[str]]]:
    """What is on record (see `on_record`), while nobody else can put more there.

    Raises:
        UserError: the folder's file system has no locks, so that two jobs could pay for the same question.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(
                f"files cannot be locked there, which batches need: {error.strerror}",
                where=str(folder),
                remedy="name a folder on another file system in llm.journal, or set `batch: false`",
            ) from None
        yield on_record(folder)
    finally:
        os.close(handle)


def on_record(folder: Path) -> dict[Path, set[str]]:
    """The keys of all questions that may be in a batch, by record."""
    found = {}
    for path in sorted(folder.glob("*.batch")):
        try:
            found[path] = {line["key"] for line in _lines(path.read_bytes()) if "key" in line}
        except FileNotFoundError:
            continue  # done with, since
    return found


def _lines(content: bytes) -> list[dict]:
    """The lines of a record that have their end."""
    return [json.loads(line) for line in content.split(b"\n")[:-1]]


def _write(handle: int, lines: list[dict]) -> None:
    rest = memoryview(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    while rest:
        rest = rest[os.write(handle, rest) :]
    os.fsync(handle)
