"""Many novels end to end: what they cost here, beside what Slurm and Snakemake cost without any work in the jobs.

    python benchmarks/scale/run.py FOLDER --novels 1000 --adapters 50 [--broken 4] [--slurm] [--stages text] [--out FILE]

Text, pairs and datasets of all novels, and the first adapters (or some of these stages), answered by an endpoint on loopback. With --slurm it all goes
through a Slurm of one node with profiles/slurm, grouped as it says for short novels, and as many empty jobs as there are steps of a
text are put through it first, by sbatch alone. The broken novels must be refused by name, and nothing else may fail.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

from library import KEY, endpoint, furnish

from cluster.slurm_cluster import SlurmCluster  # isort: skip  (library.py puts tests/ on the path)
from workspace import REPOSITORY, Workspace  # isort: skip
from xuxie.llm import upkeep  # isort: skip
from xuxie.llm.journal import Journal  # isort: skip

TEXT_STEPS = 3

#: In this order, each with what it needs of the ones before.
STAGES = ("text", "pairs_and_datasets", "adapters")

#: That the node claims. With many more than the machine has, jobs push each other out of its caches.
CORES = 8

#: The node has one GPU, which is only a file; the model is too small to want it.
WITHOUT_GPU = (
    "--set-resources",
    *(f"{rule}:gpu=0" for rule in ("train_adapter", "sample_outputs", "evaluate_adapter")),
)


def profile_for_short_novels(folder: Path) -> str:
    """A copy of profiles/slurm with the lines for short novels, which are comments there."""
    profile = shutil.copytree(REPOSITORY / "profiles/slurm", folder, dirs_exist_ok=True)
    config = profile / "config.yaml"
    config.write_text(re.sub(r"^  # (\w+: \w+)$", r"  \1", config.read_text(), flags=re.MULTILINE))
    return str(profile)


def empty_jobs(folder: Path, count: int) -> float:
    """Jobs a second that a Slurm with all the cores it likes gets through when there is nothing in them."""
    with SlurmCluster(folder) as cluster:
        began = time.monotonic()
        for _ in range(count):
            cluster.command(
                *("sbatch", "--quiet", "--output=/dev/null", "--mem=500", "--time=5"),
                "--wrap=true",
            )
        while cluster.command("squeue", "--noheader").strip():
            time.sleep(0.2)
        return round(count / (time.monotonic() - began), 2)


def timed(workspace: Workspace, profile: str, *arguments: str) -> tuple[dict, str]:
    """Run snakemake; what it took by the clock and, with the jobs that it ran itself, of the processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = workspace.snakemake(*arguments, profile=profile, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = {
        "seconds": round(time.monotonic() - began, 1),
        "processor_s": round(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1
        ),
        "peak_mb": round(after.ru_maxrss / 1024),
        "status": done.returncode,
    }
    return taken, done.stdout


def steps_done(folder: Path) -> Counter:
    """How many jobs of each rule have left their benchmark."""
    return Counter(
        path.relative_to(folder / "benchmarks/results").parts[0].removesuffix(".tsv")
        for path in (folder / "benchmarks/results").rglob("*.tsv")
    )


def work_of(folder: Path) -> dict[str, float]:
    """Seconds that the jobs of each rule took, as Snakemake measured them; their start is in it."""
    taken: Counter = Counter()
    for path in (folder / "benchmarks/results").rglob("*.tsv"):
        rule = path.relative_to(folder / "benchmarks/results").parts[0].removesuffix(".tsv")
        taken[rule] += float(path.read_text().splitlines()[1].split("\t")[0])
    return {rule: round(seconds, 1) for rule, seconds in sorted(taken.items())}


def disk_of(folder: Path) -> dict:
    """Files and megabytes of each part of a run."""
    parts = {}
    for part in ("results", "logs", "benchmarks", "journal", ".snakemake"):
        files = [path for path in (folder / part).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        parts[part] = {"files": len(files), "mb": round(size / 1e6, 1)}
    return parts


def journal_of(folder: Path) -> dict:
    """The journal's size, and the seconds of the processor that a job takes to open it."""
    stats = upkeep.stats(folder / "journal")
    seconds = []
    for _ in range(2):  # the first may write an index
        began = time.process_time()
        with Journal(folder / "journal") as journal:
            answers = len(journal)
        seconds.append(round(time.process_time() - began, 4))
    return {
        "segments": stats.segments,
        "mb": round(stats.bytes / 1e6, 2),
        "answers": answers,
        "open_s": seconds,
    }


def slurm_seconds(cluster: SlurmCluster) -> float:
    """Seconds of the processor that accounting has for all jobs."""
    rows = cluster.command("sacct", "-n", "-P", "--starttime=now-2days", "--format=JobID,TotalCPU")
    total = 0.0
    for job, row in (line.split("|") for line in rows.split()):
        if "." in job:  # a step, which is in its job's sum
            continue
        days, _, clock = row.rpartition("-")
        parts = [float(part) for part in clock.split(":")]
        total += sum(part * 60**place for place, part in enumerate(reversed(parts)))
        total += float(days or 0) * 86400
    return round(total, 1)


def measure(options: argparse.Namespace, cluster: SlurmCluster | None) -> dict:
    """Run it all, stage by stage."""
    profile, more = "default", ["--keep-going"]
    found: dict = {
        "date": str(date.today()),
        "made": {name: getattr(options, name) for name in ("novels", "broken", "adapters")},
        "stages": options.stages,
        "executor": "slurm" if cluster else "local",
        "load_before": os.getloadavg()[0],
    }
    with endpoint() as server:
        workspace, library = furnish(
            options.folder / "work",
            server.base_url,
            novels=options.novels,
            broken=options.broken,
            adapters=max(1, options.adapters),
        )
        if cluster:
            workspace.program = (str(REPOSITORY / "tests/cluster/attentive_snakemake.py"),)
            profile = profile_for_short_novels(options.folder / "profile")
            # Targets may not follow what takes several words.
            more = [*WITHOUT_GPU, "--slurm-init-seconds-before-status-checks", "2", *more]
            found["empty_jobs_per_s"] = empty_jobs(
                options.folder / "empty", TEXT_STEPS * options.novels
            )
        ledgers = [f"results/datasets/{name}/ledger_check.json" for name in library.shelves]
        chunks = [f"results/novels/{name}/chunks.jsonl" for name in library.books]
        found["planning"], _ = timed(workspace, profile, *ledgers, "-n", "--quiet", "rules")
        adapters = [
            f"results/adapters/{name}/{file}"
            for name in list(library.shelves)[: options.adapters]
            for file in ("adapter_model.safetensors", "evaluation.json")
        ]
        before = Counter()
        for stage, targets in zip(STAGES, (chunks, ledgers, adapters), strict=True):
            if not targets or stage not in options.stages:
                continue
            spent = slurm_seconds(cluster) if cluster else 0.0
            taken, said = timed(workspace, profile, *more, *targets)
            if taken["status"]:
                raise RuntimeError(said[-5000:])
            done = steps_done(workspace.folder)
            count = (done - before).total()
            before = done
            taken |= {"jobs": count, "jobs_per_s": round(count / taken["seconds"], 3)}
            if cluster:
                taken["slurm_processor_s"] = round(slurm_seconds(cluster) - spent, 1)
            taken["processor_s_per_job"] = round(
                (taken["processor_s"] + taken.get("slurm_processor_s", 0)) / count, 3
            )
            found[stage] = taken
            print(json.dumps({stage: taken}), flush=True)
        if library.broken:
            targets = [f"results/datasets/{name}/ledger_check.json" for name in library.broken]
            _, said = timed(workspace, "default", "--keep-going", *targets)
            found["refused"] = {
                name: bool(re.search(rf"{re.escape(words)}(?s:.*?){name}", said))
                for name, words in library.broken.items()
            }
        found["answers"] = len(server.questions)
        found["asked_twice"] = found["answers"] - len(set(server.questions))
    found["seconds_by_rule"] = work_of(workspace.folder)
    found["disk"] = disk_of(workspace.folder)
    if found["answers"]:
        found["journal"] = journal_of(workspace.folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--novels", type=int, default=1000)
    parser.add_argument("--adapters", type=int, default=50)
    parser.add_argument("--broken", type=int, default=4)
    parser.add_argument("--slurm", action="store_true")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    os.environ["LOOPBACK_API_KEY"] = KEY
    cluster = SlurmCluster(options.folder / "slurm", CORES) if options.slurm else None
    with cluster or contextlib.nullcontext():
        if cluster:
            os.environ.update(cluster.environment)
        found = measure(options, cluster)
    said = json.dumps(found, indent=1)
    print(said)
    if options.out:
        options.out.write_text(said + "\n", encoding="utf-8")
    sys.exit(bool(found.get("asked_twice")) or not all(found.get("refused", {}).values()))


if __name__ == "__main__":
    main()
