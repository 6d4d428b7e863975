"""LLaMA-Factory's processes, seen from outside."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil


def trainers(folder: Path) -> list[psutil.Process]:
    """Those at work in a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if (
                "xuxie.training.launcher" in process.cmdline()
                and Path(process.cwd()) == folder.resolve()
            ):
                found.append(process)
    return found


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Those at work in a folder stand still meanwhile, so that none comes to its end by itself.

    One whose job has ended sees that once it goes on, and ends too.
    """
    stopped = trainers(folder)
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
