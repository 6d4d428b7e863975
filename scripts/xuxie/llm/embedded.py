"""A language model served from this process: llama.cpp over a GGUF file, on the loopback interface."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from xuxie.errors import UserError

log = logging.getLogger(__name__)


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
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    if adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
    params.n_ctx = context * slots
    params.n_parallel = slots
    running = threads_that_run(threads)
    params.cpuparams.n_threads = running
    params.cpuparams_batch.n_threads = running
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the kernel picks a free one
    params.ui = False
    params.verbosity = 1  # errors only
    key = secrets.token_hex(16)  # other users of the machine can reach the port, not the model
    params.api_keys = [key]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise UserError(
            f"the embedded model does not load: {error}",
            where=str(gguf),
            remedy="delete the file and run again",
        ) from error
    log.info(
        "serving %s at %s with %d threads, %d slots of %d tokens",
        gguf.name,
        server.listening_address,
        running,
        slots,
        context,
    )
    if running < threads:
        log.info(
            "other processes keep the machine busy: %d of %d threads are used", running, threads
        )
    try:
        yield server.listening_address, key
    finally:
        del server  # stops its threads and frees the weights


def threads_that_run(most: int) -> int:
    """How many threads find an idle core now: at least 1, at most `most`.

    llama.cpp's threads wait for each other many times a token, so one that has to share its core holds up all: with
    two threads on two cores, one of which was busy with something else, an eighth of the speed of one thread was measured.
    """
    ours = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(psutil.cpu_count())
    )
    busy = psutil.cpu_percent(interval=0.3, percpu=True)
    idle = sum(1 - busy[core] / 100 for core in ours)
    return max(1, min(most, round(idle)))
