"""A language model served from this process: llama.cpp over a GGUF file, on the loopback interface."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xuxie.errors import UserError

log = logging.getLogger(__name__)


@contextmanager
def embedded_server(gguf: Path, *, threads: int, slots: int, context: int) -> Iterator[tuple[str, str]]:
    """Serve a GGUF file to this machine alone; yield its address and the key it asks for.

    Args:
        gguf: the weights.
        threads: CPU threads for computing.
        slots: requests decoded side by side.
        context: tokens of prompt and answer together, per slot.

    Raises:
        UserError: the file is no model that llama.cpp can load.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the kernel picks a free one
    params.ui = False
    params.verbosity = 1  # errors only
    key = secrets.token_hex(16)  # other users of the machine can reach the port, not the model
    params.api_keys = [key]
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise UserError(f"the embedded model does not load: {error}", where=str(gguf), remedy="delete the file and run again") from error
    log.info("serving %s at %s with %d threads, %d slots of %d tokens", gguf.name, server.listening_address, threads, slots, context)
    try:
        yield server.listening_address, key
    finally:
        del server  # stops its threads and frees the weights
