"""Memory that questions take which wait for a batch: the same job with few and with many of them.

    python benchmarks/llm_client/batch.py [COUNT] [--out FILE]

The server is that of the tests. A question has 600 characters, about 1.2 kB as Python holds a text of them.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from batch_server import BatchServer
from clients import messages
from patience import wait_until

FEW = 100


def job(base_url: str, count: int, folder: str, connection) -> None:
    """Ask so many questions by batch; sends its peak of memory (MB)."""
    import pydantic
    from xuxie.llm import Question, ask_all, open_endpoint

    class Echo(pydantic.BaseModel):
        text: str
        length: int

    settings = {
        "base_url": base_url,
        "model": "echo",
        "structured": "schema",
        "batch": {"questions": count, "poll": 0.5},
    }
    with open_endpoint(settings) as endpoint:
        questions = (Question(f"q{number}", messages(number), Echo) for number in range(count))
        answered = sum(1 for _ in ask_all(endpoint, questions, journal=Path(folder)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send({"answered": answered, "peak_mb": round(peak, 1)})


def held_by(count: int) -> dict:
    """What a job holds while its questions wait, and its peak."""
    context = multiprocessing.get_context("spawn")
    with BatchServer(looks=10**9) as server, tempfile.TemporaryDirectory() as folder:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=job, args=(server.base_url, count, folder, theirs))
        process.start()
        wait_until(lambda: server.billed.total() >= count - 1, "all of them", server.billed.total)
        looked = server._at["look"]
        wait_until(lambda: server._at["look"] > looked + 3, "looks", lambda: server._at["look"])
        waiting = psutil.Process(process.pid).memory_info().rss / 1e6
        server.looks = 0
        found = {"questions": count, "waiting_mb": round(waiting, 1), **ours.recv()}
        process.join()
    return found


def main() -> None:
    """Measure, print, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    few, many = (held_by(count) for count in (FEW, arguments.count))
    more = 1000 * (many["waiting_mb"] - few["waiting_mb"])
    found = {
        "few": few,
        "many": many,
        "kb_a_question": round(more / (arguments.count - FEW), 2),
    }
    print(json.dumps(found))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
