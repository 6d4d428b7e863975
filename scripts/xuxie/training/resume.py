"""Go on from a checkpoint if, and only if, it belongs to this very run."""

import logging
import shutil
from pathlib import Path

from xuxie.files.rows import read_json, write_json
from xuxie.training.checkpoint_forms import fault_of

logger = logging.getLogger(__name__)

FINGERPRINT = "fingerprint.json"


def precision_before(folder: Path) -> str | None:
    """The precision that the CPU of a run that was cut off computed in; None where there are no checkpoints of one.

    A machine that chooses by trying may choose otherwise the next time, and what was trained would be lost.
    """
    known = folder / FINGERPRINT
    if not known.exists() or not any(folder.glob("checkpoint-*")):
        return None
    before = read_json(known)
    if before.get("GPUs"):
        return None
    return "bfloat16" if before.get("argument bf16") else "float32"


def last_sound_checkpoint(folder: Path, fingerprint: dict) -> Path | None:
    """Leave in the adapter's folder only checkpoints that this run may resume from; say what happens and why.

    A checkpoint is sound if it was written whole (a kill can come in the middle of writing) and by a run of the
    same fingerprint. Weights of an earlier end are removed too, since the trainer takes them for a finished run.

    Args:
        folder: the adapter's folder.
        fingerprint: everything that shapes the result, by name; it is noted in the folder.

    Returns:
        the checkpoint to resume from, or None to start afresh.
    """
    checkpoints = sorted(folder.glob("checkpoint-*"), key=_step)
    known = folder / FINGERPRINT
    before = read_json(known) if known.exists() else None
    if before is not None and before != fingerprint:
        changed = ", ".join(
            sorted(
                name
                for name in before.keys() | fingerprint.keys()
                if before.get(name) != fingerprint.get(name)
            )
        )
        logger.info("starting afresh: since the last run, other %s", changed)
        _remove(checkpoints)
        checkpoints = []
    elif before is None and checkpoints:
        logger.info("starting afresh: nothing says which run the checkpoints are from")
        _remove(checkpoints)
        checkpoints = []
    for checkpoint in reversed(checkpoints):
        if fault := fault_of(checkpoint, _step(checkpoint)):
            logger.info("%s is not used: %s", checkpoint.name, fault)
            _remove([checkpoint])
    checkpoints = [checkpoint for checkpoint in checkpoints if checkpoint.exists()]
    for leftover in folder.glob("adapter_model.*"):
        leftover.unlink()
    write_json(known, fingerprint)
    if checkpoints:
        logger.info("going on from %s", checkpoints[-1].name)
    return checkpoints[-1] if checkpoints else None


def log_until(checkpoint: Path) -> list[dict]:
    """The trainer's log up to a checkpoint, in LLaMA-Factory's form: a resumed run writes only what comes after."""
    state = read_json(checkpoint / "trainer_state.json")
    entries = []
    for entry in state["log_history"]:
        row = {
            "current_steps": entry["step"],
            "total_steps": state["max_steps"],
            **{
                name: entry[key]
                for name, key in (
                    ("loss", "loss"),
                    ("eval_loss", "eval_loss"),
                    ("lr", "learning_rate"),
                )
                if key in entry
            },
            "epoch": entry["epoch"],
            "percentage": round(100 * entry["step"] / state["max_steps"], 2),
        }
        entries.append(row)
    return entries


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _remove(checkpoints: list[Path]) -> None:
    for checkpoint in checkpoints:
        shutil.rmtree(checkpoint)
