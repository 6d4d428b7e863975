"""Memory and seconds that a journal of many answers takes to be imported and opened, each in a process of its own.

python benchmarks/llm_client/journal.py [COUNT] [--out FILE]
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

from xuxie.llm import upkeep
from xuxie.llm.journal import Journal, entry_of
from xuxie.llm.segments import encode


def export(count: int, file: Path) -> None:
    """Write what a colleague might send: answers of 120 characters."""
    reply = {"content": "好" * 120, "finish": "stop", "refusal": None, "served": "m", "call": "c"}
    with file.open("wb") as out:
        for number in range(count):
            out.write(encode(entry_of(f"{number:032x}", "m", (300, 0, 80), 0.001, reply=reply)))


def take_in(folder: Path) -> None:
    """Import the file."""
    upkeep.import_(folder / "export.jsonl", folder / "journal")


def look_in(folder: Path) -> None:
    """Open the journal."""
    with Journal(folder / "journal"):
        pass


def measured(work, folder: Path, connection) -> None:
    """Send the seconds and the peak of memory (MB) that some work takes."""
    began = time.monotonic()
    work(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    connection.send({"seconds": round(time.monotonic() - began, 1), "peak_mb": round(peak)})


def main() -> None:
    """Measure, print, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=400_000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    found: dict = {"answers": arguments.count}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(arguments.count, folder / "export.jsonl")
        (folder / "journal").mkdir()
        for work in (take_in, look_in, take_in):  # the second time, all are known
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=measured, args=(work, folder, theirs))
            process.start()
            key = {take_in: "import", look_in: "open"}[work]
            found["import again" if key in found else key] = ours.recv()
            process.join()
    print(json.dumps(found))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
