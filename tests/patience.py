"""Waiting on a busy machine: as long as something moves, and not for ever when nothing does."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Hashable
from pathlib import Path

#: Seconds without any progress after which something is taken to hang.
PATIENCE = 600


class Hang(AssertionError):
    """Nothing has moved for too long."""


def wait_until(
    found: Callable[[], object],
    what: str,
    progress: Callable[[], Hashable],
    *,
    patience: float = PATIENCE,
    every: float = 0.1,
):
    """Look again and again until something is found, and give it back.

    Args:
        found: returns what is waited for, or something false.
        what: its name, for the error.
        progress: returns another value whenever something has moved.
        patience: seconds for which `progress` may stay the same.
        every: seconds between two looks.

    Raises:
        Hang: nothing has moved for `patience` seconds.
    """
    last, since, looked, took = progress(), time.monotonic(), time.monotonic(), 0.0
    while not (value := found()):
        time.sleep(every)
        now = time.monotonic()
        # To look through a large folder takes a while, of which the work that is waited for should not be robbed.
        if now - looked >= max(min(1, patience), 50 * took):
            now_at, looked = progress(), time.monotonic()
            took = looked - now
            if now_at != last:
                last, since = now_at, now
            elif now - since > patience:
                raise Hang(f"nothing has moved for {patience:g} s, and still not: {what}")
    return value


def wait_for_exit(process: subprocess.Popen, progress: Callable[[], Hashable], **more) -> int:
    """The exit code of a process; one that hangs is killed.

    Raises:
        Hang: nothing has moved for too long.
    """
    try:
        wait_until(lambda: process.poll() is not None, "the end of the run", progress, **more)
    except Hang:
        process.kill()
        process.wait()
        raise
    return process.returncode


def written_in(*folders: Path) -> Callable[[], Hashable]:
    """A function whose value changes whenever a file in these folders is written or made."""

    def state() -> Hashable:
        newest, count = 0, 0
        for folder in folders:
            # os.walk passes over a folder that goes while we look (a training's old checkpoint).
            for inside, subfolders, files in os.walk(folder):
                for name in (*subfolders, *files):
                    with contextlib.suppress(FileNotFoundError):
                        newest = max(newest, os.lstat(os.path.join(inside, name)).st_mtime_ns)
                        count += 1
        return newest, count

    return state
