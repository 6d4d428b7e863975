"""Novels in batches, each a run of its own: for more novels than one run can plan. What failed is taken up again.

python scripts/run_batches.py FOLDER --configfile FILE --size 1000 -- --cores all
python scripts/run_batches.py FOLDER --merge TARGET
"""

import argparse
import copy
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import IO

import yaml
from xuxie.batches.configuration import config_of, files_read
from xuxie.batches.dealing import Batch, check_systems, cut_batches
from xuxie.batches.merging import merge, state_of_all
from xuxie.batches.process import alone, run
from xuxie.batches.state import digest_of, is_made, what_is_asked
from xuxie.batches.targets import has_adapters, ledgers_of, targets_of
from xuxie.config.completion import complete_config
from xuxie.config.file import read_config
from xuxie.config.resolution import resolve
from xuxie.errors import UserError
from xuxie.files.rows import read_json, write_json
from xuxie.runtime.clone import REPOSITORY


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
    try:
        if given.merge:
            state_of_all(given.folder)  # a folder of another name is not made
        given.folder.mkdir(parents=True, exist_ok=True)
        with alone(given.folder) as lock:
            if given.merge:
                merge(given.folder, given.merge)
                return 0
            failed = run_all(given.folder, given.configfile, given.size, told, lock)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for name in failed:
        print(f"{name} is not made: see {given.folder / name / 'run.log'}", file=sys.stderr)
    return int(bool(failed))


def _cut_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before -- and what stands after it."""
    end = words.index("--") if "--" in words else len(words)
    return words[:end], words[end + 1 :]


def run_all(folder: Path, configfile: Path, size: int, arguments: list[str], lock: IO) -> list[str]:
    """Run every batch that is not made yet as it is configured now; return the names of those that failed."""
    config = read_config(configfile)
    complete = copy.deepcopy(config)
    complete_config(complete, REPOSITORY / "config/schema.yaml")
    settings = resolve(complete)
    asked, only_plans = what_is_asked(arguments)
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
        digest = digest_of(text, asked, files_read(batch, settings))
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
        targets = [] if has_adapters(batch, complete) else ledgers_of(batch)
        if not run(folder / batch.name, text, [*targets, *arguments], lock):
            failed.append(batch.name)
        elif not only_plans:
            # Not all of them, where snakemake was asked for less.
            entry["targets"] = [
                target
                for target in targets_of(batch, complete)
                if (folder / batch.name / target).exists()
            ]
            entry["made"] = digest if entry["targets"] else None
            write_json(folder / "batches.json", state)
    return failed


if __name__ == "__main__":
    sys.exit(main())
