"""Answers a minute of the embedded server: on an idle machine, beside a busy loop on one core, and idle again.

    python benchmarks/busy/run.py --model results/models/NAME/model.gguf [--seconds 45] [--out FILE]

Every question is another passage of the sample novel and gets 40 tokens; one is asked at a time, through the client
that the roles use. GOMP_SPINCOUNT in the environment sets how long OpenMP's threads spin before they sleep, for a
comparison: 0 is what the server does, 300000 what OpenMP does by default.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from xuxie.llm import Endpoint, Question, ask_all, open_endpoint

NOVEL = Path(__file__).resolve().parents[2] / "resources/novels/ban-jin-du.txt"
PASSAGE, TOKENS = 400, 40  # characters of a question, tokens of an answer


@contextmanager
def busy_loop() -> Iterator[None]:
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def questions(until: float, passages: Iterator[str]) -> Iterator[Question]:
    """One after the other, up to a time (monotonic)."""
    while time.monotonic() < until:
        passage = next(passages)
        yield Question(
            passage[:20],
            [{"role": "user", "content": f"续写：{passage}"}],
            sampling={"max_tokens": TOKENS, "temperature": 0.7, "seed": 1},
        )


def passages() -> Iterator[str]:
    """The novel in pieces, from its beginning."""
    text = NOVEL.read_text(encoding="utf-8")
    for start in range(0, len(text) - PASSAGE, PASSAGE):
        yield text[start : start + PASSAGE]


def phase(endpoint: Endpoint, seconds: float, pieces: Iterator[str], journal: Path) -> dict:
    """What was answered to the questions that began within some seconds."""
    asked = questions(time.monotonic() + seconds, pieces)
    took = sorted(outcome.value.seconds for outcome in ask_all(endpoint, asked, journal=journal))
    return {
        "answers": len(took),
        "answers_per_minute": round(60 * len(took) / sum(took), 2),
        "slowest_seconds": took[-1],
    }


def main() -> None:
    """Measure, print a table in Markdown, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--seconds", type=float, default=45.0, help="of each phase")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = {
        "load": os.getloadavg(),
        "cores": os.cpu_count(),
        "threads": arguments.threads,
        "spin_count": os.environ.get("GOMP_SPINCOUNT"),
        "phases": {},
    }
    pieces = passages()
    print("| | answers/min | slowest, s |\n|---|---:|---:|", flush=True)
    settings = {"embedded": arguments.model.parent.name, "context": 1024}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_endpoint(settings, arguments.model, arguments.threads) as endpoint,
    ):
        phase(endpoint, 1.0, pieces, Path(folder))  # reads the weights in
        for name in ("idle", "disturbed", "idle again"):
            with busy_loop() if name == "disturbed" else nullcontext():
                row = phase(endpoint, arguments.seconds, pieces, Path(folder))
            found["phases"][name] = row
            print(
                f"| {name} | {row['answers_per_minute']} | {row['slowest_seconds']} |", flush=True
            )
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
