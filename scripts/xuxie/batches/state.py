"""Whether a batch is made already, as it is configured and asked for now."""

import argparse
import os
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

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


def what_is_asked(arguments: list[str]) -> tuple[list[str], bool]:
    """Snakemake's arguments without those that make nothing else, and whether it is only to plan."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for names in HOW_TO_RUN:
        parser.add_argument(*names, nargs="?")
    how, others = parser.parse_known_args(arguments)
    asked = [word for word in others if not ONLY_PLANS.fullmatch(word)]
    return asked, asked != others or how.executor in ("dryrun", "touch")


def digest_of(config: str, asked: list[str], files: Iterable[str]) -> str:
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
