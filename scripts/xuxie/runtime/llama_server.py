"""A llama.cpp server as a command: `python -m xuxie.runtime.llama_server --model FILE --port PORT ...`.

A process of its own, because how OpenMP's threads wait is settled when its library is loaded, and in a job PyTorch may
have loaded it already. The key that requests must carry comes in an environment variable: a command line could be read
by every user of the machine.
"""

import argparse
import os
import signal
import sys

KEY_VARIABLE = "XUXIE_SERVER_KEY"


def serve(
    model: str, adapter: str | None, *, name: str, port: int, threads: int, slots: int, context: int
):
    """A server on loopback that answers until it is deleted.

    Args:
        model, adapter, threads, slots, context: as for `xuxie.llm.embedded.embedded_server`.
        name: what it calls the model.
        port: where it listens.

    Raises:
        RuntimeError: the model does not load, or the port is taken.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    if adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)]
    params.n_ctx = context * slots
    params.n_parallel = slots
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = threads
        pool.poll = 0  # of llama.cpp's own threads, where it is built without OpenMP: sleep
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.ui = False
    params.verbosity = 1  # errors only
    if key := os.environ.get(KEY_VARIABLE):
        params.api_keys = [key]
    return xllamacpp.Server(params)


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--adapter", help="a LoRA adapter as GGUF, put on top")
    parser.add_argument("--name", default="model", help="what requests call the model")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=1, help="requests decoded side by side")
    parser.add_argument("--context", type=int, default=4096, help="tokens of each")
    parser.add_argument("--until-killed", action="store_true", help="heed no SIGINT and SIGTERM")
    asked = vars(parser.parse_args())
    if asked.pop("until_killed"):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    try:
        server = serve(**asked)
    except RuntimeError as error:
        sys.exit(f"{error}")
    print(f"serving at {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
