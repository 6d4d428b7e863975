"""A llama.cpp server in a process of its own, which `xuxie.llm.embedded` starts.

A process of its own, because how OpenMP's threads wait is settled when its library is loaded, and in a job PyTorch may
have loaded it already. What the job has to say comes as one line of JSON on standard input, the key among it, which on a
command line every user of the machine could read; the answer is one line on standard output. The end of standard input
is the end of the job, however it came, and of this process.
"""

import json
import os
import signal
import sys


def serve(gguf: str, adapter: str | None, *, threads: int, slots: int, context: int, key: str):
    """A server that answers until it is deleted.

    Args:
        gguf, adapter, threads, slots, context: as for `embedded_server`.
        key: what a request must carry.

    Raises:
        RuntimeError: the model does not load.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = gguf
    if adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    params.n_ctx = context * slots
    params.n_parallel = slots
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0  # of llama.cpp's own threads, where it is built without OpenMP: sleep
    params.hostnames = ["127.0.0.1"]
    params.port = 0  # the kernel picks a free one
    params.ui = False
    params.verbosity = 1  # errors only
    params.api_keys = [key]
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until standard input ends."""
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # sent to the whole group: the job says when it is done
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever the library prints goes to the job's log
    settings = json.loads(sys.stdin.readline())
    try:
        server = serve(**settings)
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({"address": server.listening_address}), file=answers, flush=True)
    sys.stdin.read()
    os._exit(0)  # without waiting for a question that nobody wants answered any more


if __name__ == "__main__":
    main()
