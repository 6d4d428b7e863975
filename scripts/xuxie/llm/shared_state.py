"""A few numbers that processes share, on one machine or on all nodes that share a folder."""

import fcntl
import hashlib
import json
import logging
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xuxie.errors import UserError

logger = logging.getLogger(__name__)

_GONE_AFTER = 5.0  # seconds without a sign of life until a member is taken for dead
_COMES_BACK = 300.0  # seconds within which a file system or its locks may come back


class Away(Exception):
    """A shared document cannot be had now, as where a network file system or its lock service is gone for a moment.

    Args:
        message: what the system says.
        error: what to end the job with; None while the document may come back.
    """

    def __init__(self, message: str, error: UserError | None):
        self.error = error
        super().__init__(message)


class SharedState:
    """A JSON document that is read and written under a lock.

    It holds what may be forgotten: a document that was torn by a kill is begun anew. Where the folder can be neither
    written nor locked, the processes of each machine share a document in its temporary folder.

    Args:
        folder: where it lies; all jobs that are given the same folder share it.
        name: what the processes have in common, such as an endpoint; only its hash is written.
    """

    def __init__(self, folder: Path, name: str):
        self.me = f"{os.getpid()}-{secrets.token_hex(4)}"
        file = f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
        self._path = folder / file
        self._away_since: float | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
            fcntl.flock(self._file, fcntl.LOCK_EX)
            fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as error:
            logger.warning("limits hold for this machine alone: %s: %s", folder, error.strerror)
            own = hashlib.sha256(f"{folder.absolute()} {name}".encode()).hexdigest()[:24]
            self._path = _own_folder() / f"{own}.json"
            self._file = self._open()

    def close(self) -> None:
        """Leave: the others share what this process had. The last one takes the document away."""
        with suppress(Away, OSError), self.held() as state:
            members = state.get("members", {})
            members.pop(self.me, None)
            if not members:
                self._path.unlink()
        os.close(self._file)

    @contextmanager
    def held(self) -> Iterator[dict]:
        """The document, for reading and changing, while nobody else can.

        Raises:
            Away: it cannot be had now.
        """
        try:
            before = self._locked()
        except OSError as error:
            raise self._is_away(error) from error
        self._away_since = None
        try:
            try:
                state = json.loads(before)
            except ValueError:
                state = {}
            yield state
            after = json.dumps(state).encode()
            if after != before:
                with suppress(OSError):  # a full disk: the journal says so when it matters
                    os.pwrite(self._file, after, 0)
                    os.ftruncate(self._file, len(after))
        finally:
            self._unlock()

    def _locked(self) -> bytes:
        """Take the lock; the document as it is."""
        if self._away_since is not None:
            self._open_anew()  # what was open may be stale
        fcntl.flock(self._file, fcntl.LOCK_EX)
        while os.fstat(self._file).st_nlink == 0:  # taken away by one who left, while we waited
            self._open_anew()
            fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            return os.pread(self._file, 1 << 20, 0)
        except OSError:
            self._unlock()
            raise

    def _unlock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        except OSError as error:  # closing a file gives its lock back, too
            self._is_away(error)
            with suppress(OSError):
                self._open_anew()

    def _open_anew(self) -> None:
        before, self._file = self._file, self._open()
        os.close(before)

    def _is_away(self, error: OSError) -> Away:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
            logger.warning("%s cannot be had, trying again: %s", self._path, error.strerror)
        if now - self._away_since < _COMES_BACK:
            return Away(str(error), None)
        stop = UserError(
            f"what jobs share cannot be had for {now - self._away_since:.0f} s: {error.strerror}",
            where=str(self._path),
            remedy="see to the file system and its locks, then run again: the answers so far are kept",
        )
        return Away(str(error), stop)

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def members(self, state: dict, **mine) -> dict[str, dict]:
        """Publish this process's numbers in a held document; return those of every process alive, by name."""
        now = time.time()
        everybody = state.setdefault("members", {})
        everybody[self.me] = {**mine, "seen": now, "pid": os.getpid(), "pids_of": _PIDS_OF}
        for name in [name for name, member in everybody.items() if not _alive(member, now)]:
            del everybody[name]
        return everybody


def _alive(member: dict, now: float) -> bool:
    if abs(now - member["seen"]) > _GONE_AFTER:
        return False
    if member["pids_of"] != _PIDS_OF:
        return True  # on another node or in another container: its number says nothing here
    try:
        os.kill(member["pid"], 0)
    except ProcessLookupError:
        return False
    return True


def _name_of_pids() -> str:
    """Which processes this process's numbers belong to: nodes, and containers on one node, count apart."""
    try:
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()  # not Linux


_PIDS_OF = _name_of_pids()


def _own_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"xuxie-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise UserError(
            "the folder for this machine's shared limits belongs to somebody else",
            where=str(folder),
            remedy="set TMPDIR to a folder of yours",
        )
    return folder
