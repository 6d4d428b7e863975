"""A language model served on this machine: llama.cpp over a GGUF file, on the loopback interface."""

import logging
import os
import sys
from pathlib import Path

import psutil

from xuxie.llm.server import Server
from xuxie.runtime.clone import child_environment
from xuxie.runtime.command import PORT
from xuxie.runtime.llama_server import KEY_VARIABLE

logger = logging.getLogger(__name__)

#: Seconds after which an answer is not slow any more but will never come.
LONGEST_ANSWER = 1800.0

_LOADS_WITHIN = 1800.0  # seconds, from a slow disk
_RESTARTS = 3


def embedded_server(
    gguf: Path, *, threads: int, slots: int, context: int, adapter: Path | None = None
) -> Server:
    """A server of a GGUF file, to this machine alone, to be started as a context.

    Args:
        gguf: the weights.
        threads: CPU threads for computing, at most (see `threads_that_run`).
        slots: requests decoded side by side.
        context: tokens of prompt and answer together, per slot.
        adapter: a LoRA adapter as GGUF, put on top.
    """
    running = threads_that_run(threads)
    if running < threads:
        logger.info(
            "other processes keep the machine busy: %d of %d threads are used", running, threads
        )
    options = {"model": gguf, "threads": running, "slots": slots, "context": context}
    if adapter is not None:
        options["adapter"] = adapter
    command = [sys.executable, "-m", "xuxie.runtime.llama_server", "--until-killed", "--port", PORT]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    return Server(
        command,
        server_environment(),
        name="the embedded server",
        key_variable=KEY_VARIABLE,
        health="/health",
        start_within=_LOADS_WITHIN,
        restarts=_RESTARTS,
        grace=0,  # it holds nothing that is worth an orderly end
        remedy="see whether there is memory enough, or lower `concurrency` or `context`; if the file does not load, delete it;"
        " then run again: the answers so far are kept",
    )


def server_environment() -> dict[str, str]:
    """The environment of the server's process, in which threads sleep while they wait for each other.

    llama.cpp's threads do so many times a token. By default OpenMP lets them spin, and a thread that spins keeps from
    its core the very one that is waited for, as soon as another program wants a core too.
    """
    return {**child_environment(os.environ), "OMP_WAIT_POLICY": "passive"}


def threads_that_run(most: int) -> int:
    """How many threads find an idle core now: at least 1, at most `most`.

    llama.cpp's threads wait for each other many times a token, so one that has to share its core holds up all.
    """
    ours = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(psutil.cpu_count())
    )
    busy = psutil.cpu_percent(interval=0.3, percpu=True)
    idle = sum(1 - busy[core] / 100 for core in ours)
    return max(1, min(most, round(idle)))
