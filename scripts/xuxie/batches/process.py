"""Snakemake's process of a batch: under a lock that it shares with this program, and told of the signals that this one hears."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from xuxie.errors import UserError
from xuxie.runtime.clone import REPOSITORY

#: What has the same name in all batches.
SHARED = "models"

#: Signals that ask this program to end.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def alone(folder: Path) -> Iterator[IO]:
    """Nobody else runs these batches meanwhile, nor while a process goes on that was handed the lock.

    Raises:
        UserError: somebody does.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "these batches are being run",
                where=str(folder),
                remedy="wait for that run; of one that was killed, its snakemake goes on by itself",
            ) from None
        yield lock


def run(folder: Path, config: str, arguments: list[str], lock: IO) -> bool:
    """Run snakemake in a batch's folder; whether all was made."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    models = folder.parent / SHARED
    models.mkdir(exist_ok=True)
    link = folder / "results" / SHARED
    if not link.is_symlink():
        link.symlink_to(models.resolve())  # fetched once for all batches
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
        *("--directory", str(folder), "--configfile", str(folder / "config.yaml")),
        "--replace-workflow-config",
    ]
    with (folder / "run.log").open("ab") as log:
        if any((folder / ".snakemake/locks").glob("*")):
            # Snakemake's lock, of one that was killed: one that goes on would hold ours.
            call([*command, "--unlock"], log, lock)
        return call([*command, *arguments], log, lock) == 0


def call(command: list[str], log: IO, lock: IO) -> int:
    """Run a command to its end, and pass on to it the signals that ask this program to end; return its exit status.

    The command holds the lock too: if this program is killed, nobody else begins before the command has ended. It is in a
    process group of its own, so that it hears Ctrl-C once: at a second one Snakemake no longer cancels its jobs.

    Raises:
        SystemExit: there was such a signal.
    """
    heard: list[int] = []
    usual = {
        number: signal.signal(number, lambda number, _: heard.append(number))
        for number in ENDING
        if signal.getsignal(number) != signal.SIG_IGN  # as it is under nohup
    }
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            process_group=0,
        )
        passed = 0
        while not _has_ended(process):
            for number in heard[passed:]:
                _pass_on(number, process)
                passed += 1
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    if heard:
        raise SystemExit(128 + heard[0])
    return process.returncode


def _has_ended(process: subprocess.Popen) -> bool:
    """Whether a process ends within the next half second."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    return process.returncode is not None


def _pass_on(number: int, snakemake: subprocess.Popen) -> None:
    """Ctrl-C cancels all jobs, those on this machine as well; whatever else lets those end that are under way."""
    with suppress(OSError):  # the terminal may be gone
        print("waiting for snakemake to end in order", file=sys.stderr, flush=True)
    if number == signal.SIGINT:
        os.killpg(snakemake.pid, number)
    else:
        snakemake.terminate()  # of a SIGHUP it would die at once
