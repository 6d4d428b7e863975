"""A language model served on this machine: llama.cpp over a GGUF file, on the loopback interface."""

import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from xuxie.errors import UserError
from xuxie.runtime.clone import child_environment

logger = logging.getLogger(__name__)

#: Seconds after which an answer is not slow any more but will never come.
LONGEST_ANSWER = 1800.0


@contextmanager
def embedded_server(
    gguf: Path, *, threads: int, slots: int, context: int, adapter: Path | None = None
) -> Iterator[tuple[str, str]]:
    """Serve a GGUF file to this machine alone; yield its address and the key it asks for.

    Args:
        gguf: the weights.
        threads: CPU threads for computing, at most (see `threads_that_run`).
        slots: requests decoded side by side.
        context: tokens of prompt and answer together, per slot.
        adapter: a LoRA adapter as GGUF, put on top.

    Raises:
        UserError: the file is no model that llama.cpp can load.
    """
    running = threads_that_run(threads)
    key = secrets.token_hex(16)  # other users of the machine can reach the port, not the model
    settings = {
        "gguf": str(gguf),
        "adapter": None if adapter is None else str(adapter),
        "threads": running,
        "slots": slots,
        "context": context,
        "key": key,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "xuxie.runtime.llama_server"],
        env=server_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = _started(process, settings)
        logger.info(
            "serving %s at %s with %d threads, %d slots of %d tokens",
            gguf.name,
            address,
            running,
            slots,
            context,
        )
        if running < threads:
            logger.info(
                "other processes keep the machine busy: %d of %d threads are used", running, threads
            )
        yield address, key
    finally:
        process.kill()  # it holds nothing that is worth an orderly end
        process.communicate()


def server_environment() -> dict[str, str]:
    """The environment of the server's process, in which threads sleep while they wait for each other.

    llama.cpp's threads do so many times a token. By default OpenMP lets them spin, and a thread that spins keeps from
    its core the very one that is waited for, as soon as another program wants a core too.
    """
    return {**child_environment(os.environ), "OMP_WAIT_POLICY": "passive"}


def _started(process: subprocess.Popen[str], settings: dict) -> str:
    """The address of a server, once it has loaded its model."""
    assert process.stdin and process.stdout  # pipes, as asked for
    try:
        process.stdin.write(json.dumps(settings) + "\n")
        process.stdin.flush()
        said = process.stdout.readline()
    except BrokenPipeError:
        said = ""
    answer = json.loads(said) if said else {"error": f"exit status {process.wait()}"}
    if "error" in answer:
        raise UserError(
            f"the embedded model does not load: {answer['error']}",
            where=settings["gguf"],
            remedy="see whether there is memory enough, or delete the file; then run again",
        )
    return answer["address"]


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
