"""What a journal of many segments costs a job: to open it, and at each call while it is open.

    python benchmarks/scale/journal.py [--segments 100 1000 5000] [--answers 10] [--out FILE]

Each segment is what one job leaves, of so many answers. Opening is measured twice in processes of their own, the first time
(which may write an index for those that come) and then again; a call is one answer written and one look at what others wrote.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from xuxie.llm.journal import Journal, entry_of  # noqa: E402
from xuxie.llm.segments import Segment, encode  # noqa: E402

CALLS = 200


def fill(folder: Path, segments: int, answers: int) -> None:
    """Write a journal as so many jobs would leave it."""
    reply = {"content": "好" * 120, "finish": "stop", "refusal": None, "served": "m", "call": "c"}
    for number in range(segments):
        segment = Segment(folder)
        keys = (f"{number * answers + one:032x}" for one in range(answers))
        segment.append(
            [encode(entry_of(key, "m", (300, 0, 80), 0.001, reply=reply)) for key in keys]
        )
        segment.close()


def job(folder: Path, connection) -> None:
    """Open the journal and call; send what it took, in seconds of the processor."""
    began = time.process_time()
    with Journal(folder) as journal:
        opened = time.process_time()
        for number in range(CALLS):
            journal.append([entry_of(f"f{number:031x}", "m", (300, 0, 80), 0.001, reply={})])
            journal.refresh()
        called = time.process_time()
        entries = len(journal) - CALLS
    for path in folder.glob("*.jsonl"):
        if b'"key":"f' in path.read_bytes()[:12]:  # what this job has written
            path.unlink()
    connection.send(
        {
            "entries": entries,
            "open_s": round(opened - began, 3),
            "call_ms": round(1000 * (called - opened) / CALLS, 3),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    )


def measured(folder: Path) -> dict:
    """What a job in a process of its own takes."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=job, args=(folder, theirs))
    process.start()
    found = ours.recv()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--segments", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--answers", type=int, default=10)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    for segments in options.segments:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "journal"
            fill(folder, segments, options.answers)
            for turn in ("first", "again"):
                rows.append({"segments": segments, "job": turn, **measured(folder)})
                print(json.dumps(rows[-1]), flush=True)
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
