"""The results of all batches in one folder, and their journals in one."""

import os
import shutil
from pathlib import Path

import yaml

from xuxie.batches.process import SHARED
from xuxie.batches.state import is_made
from xuxie.errors import UserError
from xuxie.files.rows import read_json
from xuxie.llm import upkeep
from xuxie.llm.segments import segments

#: What every batch makes, by the sections of its configuration.
MERGED = ("novels", "datasets", "adapters")


def merge(folder: Path, target: Path) -> None:
    """Put the results of all batches into one folder, without a second copy where the file system can, and their journals into one.

    Results of what has left the configuration may be half made, and stay where they are. Answers are merged all the same:
    they were paid for.

    Raises:
        UserError: a batch is not made, or the target is not apart from the batches.
    """
    _check_apart(folder, target)
    state = state_of_all(folder)
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
        if segments(journal := folder / name / entry["journal"]):
            upkeep.join(target / entry["journal"], [journal])
    link = target / "results" / SHARED
    if not os.path.lexists(link):
        link.symlink_to((folder / SHARED).resolve())
    print(f"{len(configured)} batches in {target}")


def state_of_all(folder: Path) -> dict[str, dict]:
    """What is on record of the batches in a folder, by name.

    Raises:
        UserError: there are none.
    """
    try:
        return read_json(folder / "batches.json")
    except FileNotFoundError:
        raise UserError(
            "there are no batches here",
            where=str(folder),
            remedy="name the folder that run_batches.py was given when they were made",
        ) from None


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
