"""One stage of training, from its rendered YAML to the record of what it made."""

import filecmp
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json, read_rows, write_json, write_rows
from xuxie.runtime.clone import child_environment
from xuxie.training.arguments import machine_arguments
from xuxie.training.features import refuse_missing
from xuxie.training.figure import draw_losses
from xuxie.training.launch import launch, sharding_environment
from xuxie.training.machine import DECIDING
from xuxie.training.resume import last_sound_checkpoint, log_until, precision_before

logger = logging.getLogger(__name__)


def train_stage(
    yaml_file: Path,
    rows: dict[str, Path],
    *,
    base_model: Path,
    before: Path | None,
    threads: int,
    gpus: int,
    nodes: int,
) -> None:
    """Run LLaMA-Factory on the rendered YAML; its output goes to this job's log as it comes.

    A run that was cut short goes on from its last checkpoint, if nothing that shapes the result has changed.

    Args:
        yaml_file: the rendered arguments; the adapter goes into its folder.
        rows: what is trained on (`train`) and watched (`val`).
        base_model: the base model's record, which has the hashes of its files.
        before: the adapter's weights as the stage before left them; None for the first stage.
        threads: how many threads may compute.
        gpus, nodes: GPUs per node, and how many nodes.

    Raises:
        UserError: LLaMA-Factory failed.
    """
    folder = yaml_file.parent
    arguments = yaml.safe_load(yaml_file.read_text(encoding="utf-8"))
    machine = _machine(yaml_file, gpus)
    overrides = machine_arguments(
        arguments,
        gpu=bool(machine["gpus"]),
        precision=(None if machine["gpus"] else precision_before(folder)) or machine["precision"],
        processes=gpus * nodes,
    )
    files = {
        **{f"{name} rows": file for name, file in rows.items()},
        "base model": base_model,
        **({"stage before": before} if before else {}),
    }
    hashes = {name: sha256_of(file) for name, file in files.items()}
    deciding = _deciding(hashes, arguments | overrides, machine, gpus * nodes)
    checkpoint = last_sound_checkpoint(folder, deciding)
    write_rows(folder / "trainer_log.jsonl", log_until(checkpoint) if checkpoint else [])

    cache = folder / "cache"
    if arguments["stage"] == "pt":
        overrides |= {"tokenized_path": str(tokenised(rows, cache / "blocks"))}
    command, environment = launch(
        str(yaml_file),
        overrides,
        threads=threads,
        gpus=gpus,
        nodes=nodes,
        cache=str(cache),
        environment=dict(os.environ) | sharding_environment(arguments),
    )
    started, clock = datetime.now(UTC), time.monotonic()
    _run(command, environment, yaml_file)
    state = read_json(folder / "trainer_state.json")
    draw_losses(list(read_rows(folder / "trainer_log.jsonl")), folder / "training_loss.png")
    made = [folder / "adapter_model.safetensors", folder / "adapter_config.json"]
    manifest = {
        "adapter": {file.name: sha256_of(file) for file in made},
        "inputs": {
            str(yaml_file): sha256_of(yaml_file),
            **{str(file): hashes[name] for name, file in files.items()},
        },
        "base_model": read_json(base_model),
        "arguments": arguments | overrides,
        "command": command,
        "environment": _added(environment),
        "machine": machine,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 1),
        "resumed_from": checkpoint.name if checkpoint else None,
        "result": _result(state),
    }
    write_json(folder / "manifest.json", manifest)
    for leftover in [cache, *folder.glob("checkpoint-*")]:
        shutil.rmtree(leftover, ignore_errors=True)
    drop_copies(folder, base_model.parent / "hf")


def drop_copies(folder: Path, model: Path) -> None:
    """Delete the tokenizer's files that the trainer has left beside an adapter, where they are the base model's byte for byte.

    A tokenizer takes 11 MB with today's vocabularies; whoever loads an adapter loads its base model, and the tokenizer from there.
    """
    for copy in [*folder.glob("tokenizer*"), *folder.glob("chat_template.*")]:
        own = model / copy.name
        if own.is_file() and filecmp.cmp(copy, own, shallow=False):
            copy.unlink()


def _deciding(hashes: dict[str, str], arguments: dict, machine: dict, processes: int) -> dict:
    """Everything that decides what a training makes: a checkpoint made with anything else is not resumed."""
    return {
        **hashes,
        **{f"argument {name}": value for name, value in arguments.items()},
        **{
            f"version of {name}": version
            for name, version in machine["packages"].items()
            if name in DECIDING
        },
        "GPUs": processes if machine["gpus"] else 0,
        "processes": processes,
    }


def _added(environment: dict[str, str]) -> dict[str, str]:
    """What the trainer's environment has beyond this job's, but for where programs are found."""
    return {
        name: value
        for name, value in environment.items()
        if os.environ.get(name) != value and name not in ("PATH", "PYTHONPATH")
    }


def tokenised(rows: dict[str, Path], folder: Path) -> Path:
    """The blocks in the form in which LLaMA-Factory takes tokens."""
    from datasets import Dataset, DatasetDict

    def tokens(file: Path) -> Dataset:
        ids = [row["input_ids"] for row in read_rows(file)]
        return Dataset.from_dict(
            {"input_ids": ids, "attention_mask": [[1] * len(block) for block in ids]}
        )

    shutil.rmtree(folder, ignore_errors=True)
    DatasetDict(train=tokens(rows["train"]), validation=tokens(rows["val"])).save_to_disk(folder)
    return folder


def _machine(yaml_file: Path, gpus: int) -> dict:
    """What trains, in the interpreter that will, once everything that the arguments ask for was tried there.

    With several nodes it is the first one.
    """
    found = subprocess.run(
        [sys.executable, "-m", "xuxie.training.machine", str(yaml_file)],
        env=child_environment(os.environ),
        check=True,
        capture_output=True,
        text=True,
    )
    machine = json.loads(found.stdout.splitlines()[-1])
    where = f"tried on {platform.node()} by {sys.executable}"
    refuse_missing(machine.pop("missing"), where=where)
    if machine["gpus"] and len(machine["gpus"]) < gpus:
        raise UserError(
            f"{gpus} GPUs a node are asked for, and there are {len(machine['gpus'])}",
            where=f"config key adapters.*.gpus; {where}",
            remedy=f"set it to {len(machine['gpus'])}, or let the cluster give the job more",
        )
    return machine


def _run(command: list[str], environment: dict[str, str], yaml_file: Path) -> None:
    # A session of its own, so that the launcher can take all its children along when this job is killed.
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    for line in process.stdout or ():
        if line.strip():
            logger.info("%s", line.rstrip())
    if process.wait() != 0:
        raise UserError(
            f"LLaMA-Factory ended with exit status {process.returncode}",
            where=str(yaml_file),
            remedy="see the lines above; checkpoints are kept, and the next run goes on from the last one"
            + (
                "; status -9 is often memory: see the memory gate"
                if process.returncode == -9
                else ""
            ),
        )


def _result(state: dict) -> dict:
    history = state["log_history"]
    total = next(entry for entry in reversed(history) if "train_runtime" in entry)
    return {
        "steps": state["global_step"],
        "epochs": state["epoch"],
        "losses": [entry["loss"] for entry in history if "loss" in entry],
        "val_losses": [
            {"step": entry["step"], "loss": entry["eval_loss"]}
            for entry in history
            if "eval_loss" in entry
        ],
        "best_step": state["best_global_step"],
        "useful_tokens": state["num_input_tokens_seen"],
        "seconds_of_training": total["train_runtime"],
    }
