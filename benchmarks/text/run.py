"""Throughput and peak memory of the text stage, beside three chunking libraries, in one run.

    python benchmarks/text/run.py --peers /tmp/peers/bin/python

`--peers` is a Python that has semchunk, chonkie and langchain-text-splitters, which are no part
of the environment. Each measurement is a process of its own on one core: it loads what it needs,
then the clock starts. Time is the processor's, the best of three, so that a busy machine distorts
less; memory is the most that the process ever held.

The libraries are handed the decoded text and split it into chunks of at most 600 characters. They
don't decode, clean, find chapters or know where a chunk comes from, so there are two lines for
xuxie: the whole way from bytes to chunks, and the last step alone on the same text. `torn` counts
chunks that break a quotation, `crumbs` those shorter than a quarter of the size.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parents[1] / "scripts"
WATERMARKS = HERE.parents[1] / "resources/watermarks.txt"
SIZE = 600


def bytes_to_chunks(path: Path) -> Callable[[], list[str]]:
    """xuxie: decode, clean, find chapters, chunk."""
    from xuxie.text.chapters import find_chapters
    from xuxie.text.chunks import chunks
    from xuxie.text.normalise import normalise
    from xuxie.text.sources import read_sources
    from xuxie.text.watermarks import read_patterns

    # As the schema has it: the local steps are on where nothing is said. To read the schema would count as memory.
    steps = {"simplified": False, "repeated_lines": True, "broken_lines": True, "spaces": True}

    def work() -> list[str]:
        result = normalise(
            read_sources([str(path)]), steps=steps, patterns=read_patterns(WATERMARKS)
        )
        text = result.aligned.text
        found, _ = find_chapters(text)
        return [
            text[start:end]
            for chapter in found
            for start, end in chunks(text, chapter.start, chapter.end, SIZE)
        ]

    return work


def text_to_chunks(path: Path) -> Callable[[], list[str]]:
    """xuxie, the last step alone: whole sentences, speech untorn, balanced."""
    from xuxie.text.chunks import chunks

    text = path.read_text(encoding="utf-8")
    return lambda: [text[start:end] for start, end in chunks(text, 0, len(text), SIZE)]


def semchunk(path: Path) -> Callable[[], list[str]]:
    import semchunk

    text = path.read_text(encoding="utf-8")
    chunker = semchunk.chunkerify(len, SIZE)
    return lambda: chunker(text)


def chonkie(path: Path) -> Callable[[], list[str]]:
    from chonkie import RecursiveChunker

    text = path.read_text(encoding="utf-8")
    chunker = RecursiveChunker(tokenizer="character", chunk_size=SIZE)
    return lambda: [chunk.text for chunk in chunker.chunk(text)]


def langchain(path: Path) -> Callable[[], list[str]]:
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    text = path.read_text(encoding="utf-8")
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=SIZE,
        chunk_overlap=0,
        separators=["\n\n", "\n", "。", "！", "？", ""],
        keep_separator="end",
    )
    return lambda: splitter.split_text(text)


CONTENDERS = {
    work.__name__: work for work in (bytes_to_chunks, text_to_chunks, semchunk, chonkie, langchain)
}


def measure(name: str, path: Path) -> None:
    """Run one contender in this process and print its figures as JSON."""
    sys.path.insert(0, str(SCRIPTS))
    work = CONTENDERS[name](path)
    started = time.process_time()
    got = work()
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    torn = sum(chunk.count("“") != chunk.count("”") for chunk in got)
    crumbs = sum(len(chunk) < SIZE / 4 for chunk in got)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "megabytes": peak / 1024,
                "chunks": len(got),
                "torn": torn,
                "crumbs": crumbs,
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=sys.executable, help="a Python with the three libraries")
    parser.add_argument("--megabytes", type=float, nargs="+", default=[25, 50, 100])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        return measure(arguments.measure[0], Path(arguments.measure[1]))
    from novel import novel

    print(
        f"{'':16} {'MB':>6} {'s':>7} {'MB/s':>7} {'peak MB':>8} {'x file':>7} {'chunks':>8} {'torn':>6} {'crumbs':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in arguments.megabytes:
            path = Path(folder) / f"{megabytes:g}.txt"
            path.write_bytes(novel(megabytes))
            size = path.stat().st_size / 1e6
            for name in arguments.only:
                python = sys.executable if name.endswith("to_chunks") else arguments.peers
                runs = [_run(python, name, path) for _ in range(arguments.times)]
                best = min(runs, key=lambda run: run["seconds"])
                peak = best["megabytes"]
                speed = f"{best['seconds']:7.2f} {size / best['seconds']:7.1f} {peak:8.0f} {peak * 1.048576 / size:7.1f}"
                print(
                    f"{name:16} {size:6.1f} {speed} {best['chunks']:8} {best['torn']:6} {best['crumbs']:7}",
                    flush=True,
                )


def _run(python: str, name: str, path: Path) -> dict:
    done = subprocess.run(
        [python, __file__, "--measure", name, str(path)], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
