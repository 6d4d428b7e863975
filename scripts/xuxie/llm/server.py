"""A server that a job starts on its own machine: on a free port of loopback, waited for, started again, and ended with the job."""

import http.client
import ipaddress
import logging
import math
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Self

import psutil

from xuxie.errors import UserError
from xuxie.runtime import supervisor
from xuxie.runtime.command import PORT, filled

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"

_OURS = {LOOPBACK, f"::ffff:{LOOPBACK}"}  # the same, in words of IPv4 and of IPv6
_PORTS = 5  # that are tried until the server has one
_LOOK = 0.2  # seconds between two looks at it
_REPLY = 5.0  # seconds for a reply to "are you well?"
_LAST_WORDS = 20  # lines that are told when it fails
_ON_THEIR_WAY = 1.0  # seconds for the last ones; what has left its group may hold the pipe open
_AT_MOST = 2000  # characters of a line
_OVERTIME = 15.0  # seconds, beyond its own, until what does not end is killed


class Server:
    """A command that serves HTTP, from `start` until its context is left.

    Args:
        command: its words, `{port}` among them.
        environment: the variables that it sees, beside the key.
        name: what messages call it.
        key_variable: the variable that tells it the key which requests carry; None for a server without one.
        health: the path that answers with status 200 once questions can be asked.
        start_within: seconds until then, at most.
        restarts: how often in a row it is started again without having answered anything.
        grace: seconds that it has to end by itself; 0 kills it at once.
        remedy: what to do where it does not start or go on.

    Attributes:
        restarts: see above.
        key: new for every server; other users of the machine can reach the port, not the model.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        name: str,
        key_variable: str | None,
        health: str,
        start_within: float,
        restarts: int,
        grace: float,
        remedy: str,
    ):
        self.key = secrets.token_hex(16) if key_variable else ""
        self.restarts = restarts
        self._command = command
        self._environment = {**environment, **({key_variable: self.key} if key_variable else {})}
        self._name, self._health, self._remedy = name, health, remedy
        self._start_within, self._grace = start_within, grace
        self._port = free_port()
        self._words: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._said: deque[str] = deque(maxlen=_LAST_WORDS)
        self._well_since = math.inf  # of this life
        self._restarted = 0  # times since the last answer
        self._closed = threading.Event()
        self._one_at_a_time = threading.Lock()

    @property
    def address(self) -> str:
        """Where it is, or will be unless somebody else takes its port; another one whenever it is started again."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def has_ended(self) -> bool:
        """Whether it ran and does no more, so that anybody may have its port."""
        process = self._process
        return process is not None and process.poll() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        """End it with all that it has started."""
        self._closed.set()
        with self._one_at_a_time:
            self._end()

    def start(self) -> None:
        """Start it, unless that has been done, and wait until it is well.

        Raises:
            UserError: it ended before, with its last words; it took too long; others can reach it; or no port was left to it.
        """
        with self._one_at_a_time:
            if self._process is None:
                began = time.monotonic()
                self._start_on_a_free_port()
                logger.info(
                    "%s is ready at %s after %.1f s",
                    self._name,
                    self.address,
                    time.monotonic() - began,
                )

    def _start_on_a_free_port(self) -> None:
        for _ in range(_PORTS):
            try:
                self._launch()
                self._until_well()
                return
            except _PortTaken:
                logger.warning("another process was faster at port %d: trying another", self._port)
                self._port = free_port()
            except _Ended as end:
                raise self._failure(f"{end} before it was ready") from None
        raise self._failure(f"found {_PORTS} ports taken, one after the other")

    def revive(self, answers_since: Callable[[float], bool]) -> None:
        """After a call has found nobody there: return once the server is well, started again if it had ended.

        Args:
            answers_since: whether it has answered a call that was sent after a moment (monotonic).

        Raises:
            UserError: it has ended too often without an answer in between.
        """
        with self._one_at_a_time:
            while not self._closed.is_set():
                try:
                    self._until_well()
                    return
                except _Ended as end:
                    if answers_since(self._well_since):
                        self._restarted = 0
                    if self._restarted == self.restarts:
                        raise self._failure(
                            f"{end}, and was started again {self.restarts} times without an answer in between"
                        ) from None
                    self._restarted += 1
                    logger.warning(
                        "%s %s: starting it again, %d of %d times",
                        self._name,
                        end,
                        self._restarted,
                        self.restarts,
                    )
                    self._end()
                    self._port = free_port()  # somebody else may have the old one by now
                    self._launch()

    def _launch(self) -> None:
        self._words = filled(self._command, {PORT: self._port})
        logger.info("starting %s: %s", self._name, shlex.join(self._words))
        self._said.clear()
        self._well_since = math.inf  # what an earlier life has answered says nothing of this one
        self._process = subprocess.Popen(
            [sys.executable, supervisor.__file__, str(self._grace), *self._words],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # no signal to the job's group reaches it
        )
        assert self._process.stdout  # a pipe, as asked for
        self._reader = threading.Thread(
            target=self._listen, args=[self._process.stdout], daemon=True
        )
        self._reader.start()

    def _listen(self, lines: IO[str]) -> None:
        """Pass on what it says to the job's log."""
        begins = True
        while piece := lines.readline(_AT_MOST):  # a line may never end
            said = "".join(c for c in piece.rstrip() if c.isprintable()) if begins else ""
            begins = piece.endswith("\n")
            if self.key:
                said = said.replace(self.key, "***")
            if said:
                self._said.append(said)
                logger.info("%s: %s", self._name, said)

    def _until_well(self) -> None:
        """Wait until questions can be asked, or the context is closed.

        Raises:
            _Ended: it has ended.
            UserError: it takes too long, or listens to more than this machine.
        """
        assert self._process
        give_up_at = time.monotonic() + self._start_within
        while not self._closed.is_set():
            status = self._process.poll()
            if status is not None:
                if math.isinf(self._well_since) and not _is_free(self._port):
                    raise _PortTaken("found its port taken")
                raise _Ended(f"ended with exit status {status}")
            addresses = _listening(self._process.pid, self._port)
            if others := {address for address in addresses if not _is_of_this_machine(address)}:
                raise UserError(
                    f"{self._name} listens on {', '.join(sorted(others))}, where other machines reach it",
                    where=shlex.join(self._words),
                    remedy=f"let it listen on {LOOPBACK} alone: most servers take --host {LOOPBACK}",
                )
            if addresses & _OURS and self._is_well():
                self._well_since = min(self._well_since, time.monotonic())
                return
            if time.monotonic() > give_up_at:
                raise self._failure(f"was not ready within {self._start_within:g} s")
            self._closed.wait(_LOOK)

    def _is_well(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_REPLY)
        try:
            connection.request("GET", self._health, headers={"Authorization": f"Bearer {self.key}"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _failure(self, what: str) -> UserError:
        if self._reader:
            self._reader.join(timeout=_LOOK)  # what it said last is still on its way
        words = "".join(f"\n    {line}" for line in self._said) or " none"
        return UserError(
            f"{self._name} {what}; its last words:{words}",
            where=shlex.join(self._words),
            remedy=self._remedy,
        )

    def _end(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin and self._process.stdout and self._reader
        self._process.stdin.close()  # tells the supervisor
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._grace + _OVERTIME)
        if self._process.poll() is None or self._process.returncode < 0:
            # The supervisor hangs or was killed itself: what it leads is left to us.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join(timeout=_ON_THEIR_WAY)
        self._process = None


class _Ended(Exception):
    """The server has ended."""


class _PortTaken(_Ended):
    """Another process listens where the server wanted to."""


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as anybody:
        anybody.bind((LOOPBACK, 0))
        return anybody.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections are no owner
        try:
            trial.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _is_of_this_machine(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _listening(leader: int, port: int) -> set[str]:
    """The addresses on which a process or one below it listens at a port."""
    found = set()
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(leader)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                found |= {
                    connection.laddr.ip
                    for connection in process.net_connections("tcp")
                    if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
                }
    return found
