"""Two processes through torchrun, of one node or of two, make the adapter that one process makes; also after a kill, and with weights shared out."""

import os
import sys

import pytest
import torch
from patience import wait_until
from safetensors.torch import load_file
from trainers import kill_at_step, trainers
from training_run import TrainingRun, rows_of

#: Without dropout, which each process draws for itself.
SETTINGS = {
    "num_train_epochs": 1,
    "learning_rate": 0.001,
    "cutoff_len": 400,
    "lora_dropout": 0.0,
    "save_strategy": "steps",
    "save_steps": 1,
    "per_device_train_batch_size": 1,
    # In bfloat16 the sum of two processes' gradients rounds another way.
    "bf16": False,
}
STEPS = 8
#: As in config/examples, save that accelerate hands weights on from the first process only between GPUs.
FSDP = {
    "fsdp": "full_shard auto_wrap",
    "fsdp_config": {
        "transformer_layer_cls_to_wrap": ["Qwen2DecoderLayer"],
        "cpu_ram_efficient_loading": False,
        "sync_module_states": False,
    },
}


#: In the place of Slurm's: as many tasks as are asked for, each told its number, all on this machine.
SRUN = f"""#!{sys.executable}
import os, subprocess, sys
command = sys.argv[1:]
while command[0].startswith("--"):
    name, _, value = command.pop(0).partition("=")
    if name == "--ntasks":
        count = int(value)
tasks = [subprocess.Popen(command, env={{**os.environ, "SLURM_PROCID": str(number)}}) for number in range(count)]
sys.exit(max(task.wait() for task in tasks))
"""


@pytest.fixture(scope="module")
def prepare(tiny_model, novel_text):
    """Make a run ready in the working directory: of so many processes, with sixteen rows in eight steps."""

    def prepare(processes: int, **train) -> tuple[TrainingRun, dict]:
        settings = {**SETTINGS, "gradient_accumulation_steps": 2 // processes, **train}
        run = TrainingRun(tiny_model, rows_of(novel_text, 18), train=settings).prepare()
        return run, {**run.train_arguments, "gpus": processes}

    return prepare


@pytest.fixture(scope="module")
def alone(prepare, tmp_path_factory):
    """The adapter and the record of one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("alone"))
        run, arguments = prepare(1)
        return train(run, arguments)


def train(run: TrainingRun, arguments: dict) -> tuple[dict, dict]:
    """The adapter and the record."""
    from train_adapter import train_adapter
    from xuxie.files.rows import read_json

    train_adapter(**arguments)
    return load_file(run.folder / "adapter_model.safetensors"), read_json(
        run.folder / "manifest.json"
    )


def assert_same(one: dict, other: dict) -> None:
    """Two adapters are the same within rounding."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.allclose(one[name], other[name], rtol=1e-3, atol=1e-5), name


def test_two_processes_make_the_adapter_of_one(prepare, alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter, manifest = train(*prepare(2))
    assert manifest["environment"]["NPROC_PER_NODE"] == "2"
    assert manifest["arguments"]["ddp_backend"] == "gloo"
    assert manifest["result"]["steps"] == alone[1]["result"]["steps"] == STEPS
    assert manifest["result"]["losses"] == pytest.approx(alone[1]["result"]["losses"], rel=1e-3)
    assert_same(adapter, alone[0])


def test_killed_and_resumed_two_processes_make_it_too(prepare, alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, arguments = prepare(2)
    kill_at_step(arguments, 2, STEPS)
    wait_until(lambda: not trainers(tmp_path), "the trainers' end", lambda: None, patience=120)
    adapter, manifest = train(run, arguments)
    assert manifest["resumed_from"]
    assert_same(adapter, alone[0])


def test_weights_that_are_shared_out_make_it_too(prepare, alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    adapter, manifest = train(*prepare(2, **FSDP))
    assert manifest["environment"]["ACCELERATE_USE_FSDP"] == "true"
    assert_same(adapter, alone[0])


def test_two_nodes_make_it_too(prepare, alone, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", f"{srun.parent}{os.pathsep}{os.environ['PATH']}")
    run, arguments = prepare(2)
    adapter, manifest = train(run, {**arguments, "gpus": 1, "nodes": 2})
    assert manifest["command"][0] == "srun" and manifest["environment"]["NNODES"] == "2"
    assert_same(adapter, alone[0])
