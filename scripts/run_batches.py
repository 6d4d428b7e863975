"""Novels in batches, each a run of its own: for more novels than one run can plan. What failed is taken up again.

python scripts/run_batches.py FOLDER --configfile FILE --size 1000 -- --cores all
python scripts/run_batches.py FOLDER --merge TARGET
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import IO

import yaml
from xuxie.config.batches import (
    Batch,
    check_systems,
    config_of,
    cut_batches,
    files_read,
    has_adapters,
)
from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.errors import UserError
from xuxie.files.rows import read_json, write_json
from xuxie.llm import upkeep
from xuxie.runtime.clone import REPOSITORY

#: What every batch makes, by the sections of its configuration, and what has the same name in all of them.
MERGED, SHARED = ("novels", "datasets", "adapters"), "models"

#: Signals that ask this program to end.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Options of snakemake that say how it runs, and make nothing else. Any other may.
HOW_TO_RUN = (
    ("--cores", "-c"),
    ("--jobs", "-j"),
    ("--executor", "-e"),
    ("--profile",),
    ("--workflow-profile",),
    ("--retries", "-T"),
    ("--latency-wait", "-w"),
)
#: A dry run, also where short options share a word.
ONLY_PLANS = re.compile("--dry-?run|-[a-zA-Z]*n[a-zA-Z]*")


def main(arguments: list[str] | None = None) -> int:
    """Run or merge; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="run_batches.py",
        description="Run the workflow on a configuration's novels batch by batch, or merge what was made.",
    )
    parser.add_argument("folder", type=Path, help="where the batches are, one folder each")
    parser.add_argument("--configfile", type=Path, default=Path("config/config.yaml"))
    parser.add_argument("--size", type=int, default=1000, help="novels of a batch at most")
    parser.add_argument("--merge", type=Path, metavar="TARGET", help="a folder for all results")
    parser.epilog = "What follows -- is told to snakemake each time, such as --cores all."
    mine, told = _cut_at_dashes(sys.argv[1:] if arguments is None else arguments)
    given = parser.parse_args(mine)
    given.folder.mkdir(parents=True, exist_ok=True)
    try:
        with alone(given.folder) as lock:
            if given.merge:
                merge(given.folder, given.merge)
                return 0
            failed = run_all(given.folder, given.configfile, given.size, told, lock)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for name in failed:
        print(f"{name} is not made: see {given.folder / name / 'run.log'}", file=sys.stderr)
    return int(bool(failed))


def _cut_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before -- and what stands after it."""
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end + 1 :]


@contextmanager
def alone(folder: Path) -> Iterator[IO]:
    """Nobody else runs these batches meanwhile, nor while a process goes on that was handed the lock.

    Raises:
        UserError: somebody does.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "these batches are being run",
                where=str(folder),
                remedy="wait for that run; of one that was killed, its snakemake goes on by itself",
            ) from None
        yield lock


def run_all(folder: Path, configfile: Path, size: int, arguments: list[str], lock: IO) -> list[str]:
    """Run every batch that is not made yet as it is configured now; return the names of those that failed."""
    config = yaml.safe_load(configfile.read_text(encoding="utf-8"))
    complete = yaml.safe_load(configfile.read_text(encoding="utf-8"))
    complete_config(complete, Path(REPOSITORY) / "config/schema.yaml")
    settings = resolve(complete)
    asked, only_plans = _what_is_asked(arguments)
    state = read_json(folder / "batches.json") if (folder / "batches.json").exists() else {}
    known = [Batch(name, entry["novels"], entry["datasets"]) for name, entry in state.items()]
    batches = cut_batches(complete, size, known)
    check_systems(batches, complete)
    failed = []
    for batch in batches:
        if not batch.datasets:
            # It keeps its number, and nothing is left to make.
            state[batch.name] = {**state[batch.name], "datasets": [], "made": None}
            write_json(folder / "batches.json", state)
            continue
        part = config_of(batch, config, complete, os.getcwd())
        text = yaml.safe_dump(part, allow_unicode=True, sort_keys=False)
        digest = _digest(text, asked, files_read(batch, settings))
        before = state.get(batch.name, {"novels": [], "made": None})
        if before["made"] == digest and is_made(folder / batch.name, before):
            print(f"{batch.name}: made already", flush=True)
            continue
        entry = state[batch.name] = {
            **asdict(batch),
            # Those that have left the configuration too: the answers about them are here.
            "novels": list(dict.fromkeys(before["novels"] + batch.novels)),
            "journal": complete["llm"]["journal"],
            "targets": [],
            "made": None,
        }
        write_json(folder / "batches.json", state)
        print(f"{batch.name}: {len(batch.novels)} novels", flush=True)
        targets = [] if has_adapters(batch, complete) else _ledgers(batch)
        if not run(folder / batch.name, text, [*targets, *arguments], lock):
            failed.append(batch.name)
        elif not only_plans:
            # Not all of them, where snakemake was asked for less.
            entry["targets"] = [
                target
                for target in _targets(batch, complete)
                if (folder / batch.name / target).exists()
            ]
            entry["made"] = digest if entry["targets"] else None
            write_json(folder / "batches.json", state)
    return failed


def _what_is_asked(arguments: list[str]) -> tuple[list[str], bool]:
    """Snakemake's arguments without those that make nothing else, and whether it is only to plan."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for names in HOW_TO_RUN:
        parser.add_argument(*names, nargs="?")
    how, others = parser.parse_known_args(arguments)
    asked = [word for word in others if not ONLY_PLANS.fullmatch(word)]
    return asked, asked != others or how.executor in ("dryrun", "touch")


def _digest(config: str, asked: list[str], files: Iterable[str]) -> str:
    """What tells a batch from the same one with something changed. No file is read for it, as there may be 100,000."""
    digest = sha256(f"{config}{asked}".encode())
    for file in files:
        try:
            found = os.stat(file)
        except OSError:
            continue  # the workflow says so
        digest.update(f"{file} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def is_made(folder: Path, entry: dict) -> bool:
    """Whether a batch was made, and all that it is made for is still there."""
    targets = entry.get("targets", [])
    return bool(entry["made"] and targets) and all((folder / file).exists() for file in targets)


def _targets(batch: Batch, complete: dict) -> list[str]:
    """What a batch is made for."""
    datasets = set(batch.datasets)
    adapters = [
        f"results/adapters/{name}/adapter_model.safetensors"
        for name, entry in complete["adapters"].items()
        if entry["dataset"] in datasets
    ]
    return [*_ledgers(batch), *adapters, *(["results/report.html"] if adapters else [])]


def _ledgers(batch: Batch) -> list[str]:
    return [f"results/datasets/{name}/ledger_check.json" for name in batch.datasets]


def run(folder: Path, config: str, arguments: list[str], lock: IO) -> bool:
    """Run snakemake in a batch's folder; whether all was made."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    models = folder.parent / SHARED
    models.mkdir(exist_ok=True)
    link = folder / "results" / SHARED
    if not link.is_symlink():
        link.symlink_to(models.resolve())  # fetched once for all batches
    (folder / "config.yaml").write_text(config, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(Path(REPOSITORY) / "Snakefile")),
        *("--directory", str(folder), "--configfile", str(folder / "config.yaml")),
        "--replace-workflow-config",
    ]
    with (folder / "run.log").open("ab") as log:
        if any((folder / ".snakemake/locks").glob("*")):
            # Snakemake's lock, of one that was killed: one that goes on would hold ours.
            call([*command, "--unlock"], log, lock)
        return call([*command, *arguments], log, lock) == 0


def call(command: list[str], log: IO, lock: IO) -> int:
    """Run a command to its end, and pass on to it the signals that ask this program to end; return its exit status.

    The command holds the lock too: if this program is killed, nobody else begins before the command has ended. It is in a
    process group of its own, so that it hears Ctrl-C once: at a second one Snakemake no longer cancels its jobs.

    Raises:
        SystemExit: there was such a signal.
    """
    heard: list[int] = []
    usual = {
        number: signal.signal(number, lambda number, _: heard.append(number))
        for number in ENDING
        if signal.getsignal(number) != signal.SIG_IGN  # as it is under nohup
    }
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            process_group=0,
        )
        passed = 0
        while not _has_ended(process):
            for number in heard[passed:]:
                _pass_on(number, process)
                passed += 1
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    if heard:
        raise SystemExit(128 + heard[0])
    return process.returncode


def _has_ended(process: subprocess.Popen) -> bool:
    """Whether a process ends within the next half second."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    return process.returncode is not None


def _pass_on(number: int, snakemake: subprocess.Popen) -> None:
    """Ctrl-C cancels all jobs, those on this machine as well; whatever else lets those end that are under way."""
    with suppress(OSError):  # the terminal may be gone
        print("waiting for snakemake to end in order", file=sys.stderr, flush=True)
    if number == signal.SIGINT:
        os.killpg(snakemake.pid, number)
    else:
        snakemake.terminate()  # of a SIGHUP it would die at once


def merge(folder: Path, target: Path) -> None:
    """Put the results of all batches into one folder, without a second copy where the file system can, and their journals into one.

    Results of what has left the configuration may be half made, and stay where they are. Answers are merged all the same:
    they were paid for.

    Raises:
        UserError: a batch is not made, or the target is not apart from the batches.
    """
    _check_apart(folder, target)
    state = read_json(folder / "batches.json")
    configured = [name for name, entry in state.items() if entry["datasets"]]
    if missing := [name for name in configured if not is_made(folder / name, state[name])]:
        raise UserError(
            f"not made yet: {', '.join(missing)}",
            where=str(folder),
            remedy="run them again, without --merge",
        )
    for name, entry in state.items():
        if entry["datasets"]:
            _merge_results(folder / name, target)
        else:
            print(f"{name}: out of the configuration, only its journal is merged")
        if (journal := folder / name / entry["journal"]).is_dir():
            upkeep.join(target / entry["journal"], [journal])
    link = target / "results" / SHARED
    if not os.path.lexists(link):
        link.symlink_to((folder / SHARED).resolve())
    print(f"{len(configured)} batches in {target}")


def _check_apart(folder: Path, target: Path) -> None:
    """What is merged into a folder of the batches would take the place of their own results."""
    batches, merged = folder.resolve(), target.resolve()
    if batches.is_relative_to(merged) or merged.is_relative_to(batches):
        raise UserError(
            f"{target} is not apart from the batches in {folder}",
            where="--merge",
            remedy="name a folder that neither holds the batches nor lies among them",
        )


def _merge_results(batch: Path, target: Path) -> None:
    """Put what a batch's configuration names beside the results of other batches."""
    config = yaml.safe_load((batch / "config.yaml").read_text(encoding="utf-8"))
    for kind in MERGED:
        for name in config[kind]:
            part = Path("results") / kind / name
            if (batch / part).is_dir():
                shutil.copytree(
                    batch / part, target / part, copy_function=_link, dirs_exist_ok=True
                )


def _link(source: str, target: str) -> None:
    """What was there stays until the new file is whole."""
    partial = f"{target}.partial"
    Path(partial).unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copy2(source, partial)
    os.replace(partial, target)
    Path(partial).unlink(missing_ok=True)  # it stays where both are one file already


if __name__ == "__main__":
    sys.exit(main())
