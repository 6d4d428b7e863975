"""What the embedded model gets done a minute: on an idle machine, beside a busy loop on one core, and idle again.

    python benchmarks/busy/run.py --model results/models/NAME [--seconds 45] [--out FILE]

The generator answers questions through the client that the roles use, one at a time, each about another passage of the
sample novel, with 40 tokens. The scorer reads pairs of passages as `score_by_likelihood` does. Each has three phases of
so many seconds; with 45 all of it takes about six minutes. GOMP_SPINCOUNT in the environment sets how long OpenMP's
threads spin before they sleep, for a comparison: 0 is what xuxie does, 300000 what OpenMP does by default.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from xuxie.llm import Question, ask_all, open_endpoint

NOVEL = Path(__file__).resolve().parents[2] / "resources/novels/ban-jin-du.txt"
PASSAGE, TOKENS = 400, 40  # characters of a question, tokens of an answer
PAIRS = 3  # that the scorer reads together: each completion after every prompt
PHASES = ("idle", "disturbed", "idle again")

Work = Callable[[], int]
"""Does a little, and tells how much it was."""


@contextmanager
def busy_loop() -> Iterator[None]:
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def passages() -> Iterator[str]:
    """Pieces of the novel that never end and never repeat: from another place each time round."""
    text = NOVEL.read_text(encoding="utf-8")
    for shift in range(PASSAGE):
        for start in range(shift, len(text) - PASSAGE, PASSAGE):
            yield text[start : start + PASSAGE]


@contextmanager
def generator(model: Path, threads: int) -> Iterator[Work]:
    """A question and its answer at a time, through the embedded server."""
    pieces = passages()
    settings = {"embedded": model.name, "context": 1024}
    with (
        tempfile.TemporaryDirectory() as folder,
        open_endpoint(settings, model / "model.gguf", threads) as endpoint,
    ):

        def questions() -> Iterator[Question]:
            for passage in pieces:
                yield Question(
                    passage[:20],
                    [{"role": "user", "content": f"续写：{passage}"}],
                    sampling={"max_tokens": TOKENS, "temperature": 0.7, "seed": 1},
                )

        outcomes = ask_all(endpoint, questions(), journal=Path(folder))

        def work() -> int:
            next(outcomes)
            return 1

        try:
            yield work
        finally:
            outcomes.close()


@contextmanager
def scorer(model: Path, threads: int) -> Iterator[Work]:
    """A few pairs at a time, by likelihood."""
    import torch
    from xuxie.models.loading import best_dtype, load_model
    from xuxie.pairs.likelihood import score_by_likelihood

    torch.set_num_threads(threads)
    loaded, tokenizer = load_model(model / "hf", dtype=best_dtype(large_products=True))
    pieces = passages()

    def work() -> int:
        pairs = [
            {"id": str(n), "chapter": n, "prompt": piece[:250], "completion": piece[250:]}
            for n, piece in zip(range(PAIRS), pieces, strict=False)
        ]
        reading = {"contexts": PAIRS - 1, "context_tokens": 256, "completion_tokens": 64}
        return len(score_by_likelihood(loaded, tokenizer, pairs, **reading, seed=1))

    yield work


def phase(work: Work, seconds: float) -> dict:
    """What gets done in some seconds; what has been begun by then is ended."""
    began = time.monotonic()
    done, slowest = 0, 0.0
    while (at := time.monotonic()) < began + seconds:
        done += work()
        slowest = max(slowest, time.monotonic() - at)
    took = time.monotonic() - began
    return {
        "done": done,
        "per_minute": round(60 * done / took, 2),
        "slowest_seconds": round(slowest, 2),
    }


def main() -> None:
    """Measure, print a table in Markdown, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="the folder of an embedded model")
    parser.add_argument("--seconds", type=float, default=45.0, help="of each phase")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found: dict = {
        "load": os.getloadavg(),
        "cores": os.cpu_count(),
        "threads": arguments.threads,
        "spin_count": os.environ.get("GOMP_SPINCOUNT"),
        "phases": [],
    }
    print("| | | per minute | slowest, s |\n|---|---|---:|---:|", flush=True)
    for role, what in ((generator, "answers"), (scorer, "pairs")):
        with role(arguments.model, arguments.threads) as work:
            work()  # reads the weights in
            for name in PHASES:
                with busy_loop() if name == "disturbed" else nullcontext():
                    row = phase(work, arguments.seconds)
                found["phases"].append({"role": role.__name__, "machine": name, **row})
                print(
                    f"| {what} | {name} | {row['per_minute']} | {row['slowest_seconds']} |",
                    flush=True,
                )
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
