"""LLaMA-Factory's processes, seen from outside."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from workspace import REPOSITORY


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


def kill_at_step(arguments: dict, step: int, steps: int) -> None:
    """Start a job that trains, kill it with SIGKILL as soon as it reports this step or a later one.

    Args:
        arguments: of `train_adapter`; its working directory is this process's.
        steps: how many there are in all.
    """
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "tests/training_run.py"), json.dumps(arguments)],
        env={
            **os.environ,
            "PYTHONPATH": f"{REPOSITORY / 'scripts'}{os.pathsep}{REPOSITORY / 'tests'}",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    said = []
    for line in process.stderr or ():
        said.append(line)
        reported = re.search(rf"step (\d+) of {steps}, loss ", line)
        if reported and int(reported[1]) >= step:
            process.send_signal(signal.SIGKILL)
            break
    if process.stderr:
        process.stderr.close()
    assert process.wait() == -signal.SIGKILL, "".join(said)
