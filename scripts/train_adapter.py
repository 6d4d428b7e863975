"""Train a LoRA adapter with LLaMA-Factory's own command."""

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml
from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json, write_json, write_rows
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training.arguments import machine_arguments
from xuxie.training.figure import draw_losses
from xuxie.training.launch import launch
from xuxie.training.machine import DECIDING
from xuxie.training.resume import last_sound_checkpoint, log_until

log = logging.getLogger(__name__)


def train_adapter(
    yaml_file: str,
    train: str,
    val: str,
    model: list[str],
    adapter: str,
    adapter_config: str,
    loss_curve: str,
    trainer_log: str,
    manifest: str,
    threads: int,
    gpus: int,
    nodes: int,
) -> None:
    """Run LLaMA-Factory on the rendered YAML; its output goes to this job's log as it comes.

    A run that was cut short goes on from its last checkpoint, if nothing that shapes the result has changed.

    Args:
        yaml_file: the rendered arguments.
        train, val: the rows to train on and to watch.
        model: the base model's config.json and its record, which has the hashes of its files.
        adapter, adapter_config, trainer_log: LLaMA-Factory's outputs, in the folder that the YAML names.
        loss_curve: the figure of both losses.
        manifest: the record of what made this adapter.
        threads: how many threads may compute.
        gpus, nodes: how many GPUs a node, and how many nodes.
    """
    folder, card = Path(adapter).parent, model[1]
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    machine = _machine()
    overrides = machine_arguments(
        arguments, gpu=bool(machine["gpus"]), precision=machine["precision"]
    )
    inputs = {
        "training rows": sha256_of(train),
        "val rows": sha256_of(val),
        "base model": sha256_of(card),
    }
    deciding = {
        f"version of {name}": version
        for name, version in machine["packages"].items()
        if name in DECIDING
    }
    settings = {f"argument {name}": value for name, value in (arguments | overrides).items()}
    checkpoint = last_sound_checkpoint(
        folder, {**inputs, **settings, **deciding, "GPUs": gpus * nodes if machine["gpus"] else 0}
    )
    write_rows(trainer_log, log_until(checkpoint) if checkpoint else [])

    cache = folder / "cache"
    command, environment = launch(
        yaml_file,
        overrides,
        threads=threads,
        gpus=gpus,
        nodes=nodes,
        cache=str(cache),
        environment=dict(os.environ),
    )
    started, clock = datetime.now(UTC), time.monotonic()
    _run(command, environment, yaml_file)
    state = read_json(folder / "trainer_state.json")
    draw_losses(state["log_history"], loss_curve)
    write_json(
        manifest,
        {
            "adapter": {Path(file).name: sha256_of(file) for file in (adapter, adapter_config)},
            "inputs": {file: sha256_of(file) for file in (yaml_file, train, val, card)},
            "base_model": read_json(card),
            "arguments": arguments | overrides,
            "command": command,
            "environment": {
                name: value
                for name, value in environment.items()
                if os.environ.get(name) != value and name not in ("PATH", "PYTHONPATH")
            },
            "machine": machine,
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 1),
            "resumed_from": checkpoint.name if checkpoint else None,
            "result": _result(state),
        },
    )
    for leftover in [cache, *folder.glob("checkpoint-*")]:
        shutil.rmtree(leftover, ignore_errors=True)


def _machine() -> dict:
    scripts = str(Path(__file__).resolve().parent)
    found = subprocess.run(
        [sys.executable, "-m", "xuxie.training.machine"],
        env={**os.environ, "PYTHONPATH": scripts},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(found.stdout.splitlines()[-1])


def _run(command: list[str], environment: dict[str, str], yaml_file: str) -> None:
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
    for line in process.stdout:
        if line.strip():
            log.info("%s", line.rstrip())
    if process.wait() != 0:
        raise UserError(
            f"LLaMA-Factory ended with exit status {process.returncode}",
            where=yaml_file,
            remedy="see the lines above; checkpoints are kept, and the next run goes on from the last one"
            + (
                "; status -9 is often memory: see the memory gate"
                if process.returncode == -9
                else ""
            ),
        )


def _result(state: dict) -> dict:
    history = state["log_history"]
    total = (
        history[-1]
        if "train_runtime" in history[-1]
        else next(entry for entry in reversed(history) if "train_runtime" in entry)
    )
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


if __name__ == "__main__":
    run_job(in_environment(train_adapter), snakemake)
