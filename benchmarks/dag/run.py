"""What planning costs: `snakemake -n` for growing numbers of novels, beside an empty rule graph of the same size.

    python benchmarks/dag/run.py 10 100 1000
    python benchmarks/dag/run.py 1000 --parts

Each novel has ten shards; there is an adapter for every twenty novels. Time is the processor's, the best of `--repeats`, taken
in turns, so that a busy machine distorts less; memory is the most that the process ever held. Nothing is run, no file is read.

With --parts a second table says where the difference comes from: the empty graph again, with one part of each rule given back.
"""

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from floor import write_floor

REPOSITORY = Path(__file__).resolve().parents[2]
SHARD_BYTES = 1000
SHARDS = 10
#: What of each rule can be given back to the empty graph.
PARTS = {
    "scripts": ("script",),
    "threads and resources": ("threads", "resources"),
    "logs and benchmarks": ("log", "benchmark"),
    "parameters, environments, priorities": ("params", "conda", "priority"),
}


@dataclass(frozen=True)
class Cost:
    """Processor seconds, peak memory in MB, and the jobs that were planned."""

    seconds: float
    memory: float
    jobs: dict[str, int]


def settings(novels: int) -> dict:
    """A configuration of this many novels, as a user would write it."""
    names = [f"novel-{index:04}" for index in range(novels)]
    share = 20
    shelves = {
        f"shelf-{index:02}": names[index * share : (index + 1) * share]
        for index in range(max(1, novels // share))
    }
    return {
        "novels": {name: {"path": f"novels/{name}.txt"} for name in names},
        "pairs": {"generator": "provider", "shard_bytes": SHARD_BYTES},
        "endpoints": {
            "provider": {
                "base_url": "http://127.0.0.1:9/v1",
                "model": "reader",
                "api_key_env": "PROVIDER_API_KEY",
            }
        },
        "models": {
            "base": {"source": "embedded", "name": "qwen2.5-coder-0.5b", "template": "qwen"}
        },
        "scorers": {"likelihood": {"method": "likelihood", "model": "base"}},
        "datasets": {name: {"novels": part} for name, part in shelves.items()},
        "adapters": {name: {"dataset": name, "model": "base"} for name in shelves},
    }


def prepare(folder: Path, novels: int, parts: list[tuple[str, ...]]) -> list[list[str]]:
    """The commands that plan the workflow, the empty graph, and the empty graph with each of these parts, in this folder."""
    sys.path.insert(0, str(REPOSITORY / "scripts"))
    from xuxie.config.completion import complete_config

    config = settings(novels)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    (folder / "novels").mkdir()
    for name in config["novels"]:
        with open(folder / f"novels/{name}.txt", "wb") as file:
            file.truncate(SHARDS * SHARD_BYTES)
    complete_config(config, REPOSITORY / "config/schema.yaml")
    base = [
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--quiet",
        "rules",
        "--cores",
        "1",
        "--directory",
        str(folder),
    ]
    base += ["--workflow-profile", "none", "--rerun-triggers", "mtime", "params", "input"]
    whole = [
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--configfile",
        str(folder / "config.yaml"),
        "--replace-workflow-config",
    ]
    floors = [write_floor(REPOSITORY, folder, config, more) for more in ((), *parts)]
    return [[*base, *whole], *([*base, "--snakefile", str(floor)] for floor in floors)]


def measure(command: list[str]) -> Cost:
    """Run a command to its end."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        out.seek(0)
        said = out.read()
    if status:
        raise RuntimeError(said)
    jobs = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", said, re.MULTILINE)}
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, jobs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("novels", type=int, nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--parts", action="store_true", help="say where the difference comes from")
    options = parser.parse_args()
    parts = PARTS if options.parts else {}
    print(
        f"{date.today()}, {platform.machine()}, Python {platform.python_version()}, Snakemake {importlib.metadata.version('snakemake')}"
    )
    print(
        "| novels | jobs | workflow, s | empty graph, s | ratio | ms a job | workflow, MB | empty graph, MB | KB a job |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    shares = []
    for novels in options.novels:
        with tempfile.TemporaryDirectory() as folder:
            commands = prepare(Path(folder), novels, list(parts.values()))
            costs = [[measure(command) for command in commands] for _ in range(options.repeats)]
        whole, floor, *given_back = (
            min(side, key=lambda cost: cost.seconds) for side in zip(*costs, strict=True)
        )
        if any(cost.jobs != whole.jobs for cost in (floor, *given_back)):
            raise RuntimeError(f"not the same graph: {whole.jobs} and {floor.jobs}")
        jobs = whole.jobs["total"]
        print(
            f"| {novels:,} | {jobs:,} | {whole.seconds:.1f} | {floor.seconds:.1f} | {whole.seconds / floor.seconds:.2f} "
            f"| {1000 * whole.seconds / jobs:.2f} | {whole.memory:.0f} | {floor.memory:.0f} | {1000 * whole.memory / jobs:.0f} |",
            flush=True,
        )
        shares += [
            f"| {novels:,} | {part} | {cost.seconds:.1f} | {cost.seconds - floor.seconds:.1f} | {cost.seconds / floor.seconds:.2f} |"
            for part, cost in zip(parts, given_back, strict=True)
        ]
    if shares:
        print(
            "\n| novels | empty graph with | s | more, s | ratio |\n|---:|:---|---:|---:|---:|",
            *shares,
            sep="\n",
        )


if __name__ == "__main__":
    main()
