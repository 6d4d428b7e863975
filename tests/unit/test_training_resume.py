"""Only a checkpoint that is whole and of the same run is gone on from; the reason for any other is said."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint as sharded
from safetensors.torch import save_file
from xuxie.training.order import SeededLengthGroups
from xuxie.training.resume import FINGERPRINT as FILE
from xuxie.training.resume import last_sound_checkpoint, log_until, precision_before

FINGERPRINT = {"training rows": "a1", "base model": "b2", "argument learning_rate": 0.0001}


MOMENTS = {"exp_avg": torch.ones(400)}


def shards(folder: Path) -> None:
    """A state as FSDP writes it in pieces, one file for each process."""
    sharded.save({"state": MOMENTS}, storage_writer=sharded.FileSystemWriter(folder), no_dist=True)


def in_one_piece(made: Path) -> None:
    save_file({"weight": torch.zeros(4)}, made / "adapter_model.safetensors")
    torch.save(MOMENTS, made / "optimizer.pt")


def fsdp(made: Path) -> None:
    save_file({"weight": torch.zeros(4)}, made / "adapter_model.safetensors")
    torch.save({"weight": torch.zeros(4)}, made / "pytorch_model_fsdp.bin")
    torch.save(MOMENTS, made / "optimizer.bin")


def fsdp_in_shards(made: Path) -> None:
    for name in ("pytorch_model_fsdp_0", "optimizer_0"):
        shards(made / name)


def deepspeed(made: Path) -> None:
    """With a scheduler of its own, so that the trainer's is not beside it; its states hold more than torch reads without asking."""
    states = made / f"global_{made.name.replace('checkpoint-', 'step')}"
    states.mkdir()
    for name in ("mp_rank_00_model", "zero_pp_rank_0_mp_rank_00_optim"):
        torch.save({"moments": MOMENTS, "of": Path()}, states / f"{name}_states.pt")
    (made / "latest").write_text(states.name)
    (made / "scheduler.pt").unlink()


def checkpoint(folder: Path, step: int, write=in_one_piece) -> Path:
    """A whole checkpoint, with weights and optimizer in the form that `write` gives them."""
    made = folder / f"checkpoint-{step}"
    made.mkdir(parents=True)
    torch.save({"last_epoch": step}, made / "scheduler.pt")
    write(made)
    history = [
        {"step": number, "epoch": number / 4, "loss": 3.0, "learning_rate": 0.1}
        for number in range(1, step + 1)
    ]
    state = {
        "global_step": step,
        "max_steps": 20,
        "log_history": [*history, {"step": step, "epoch": step / 4, "eval_loss": 2.5}],
    }
    (made / "trainer_state.json").write_text(json.dumps(state))
    return made


@pytest.fixture
def folder(tmp_path):
    """A run's folder with two whole checkpoints; the second is step 10, though 9 comes last by name."""
    assert last_sound_checkpoint(tmp_path, FINGERPRINT) is None
    checkpoint(tmp_path, 9)
    checkpoint(tmp_path, 10)
    return tmp_path


def test_the_last_checkpoint_of_the_same_run_is_taken(folder):
    (folder / "adapter_model.safetensors").touch()
    assert last_sound_checkpoint(folder, dict(FINGERPRINT)) == folder / "checkpoint-10"
    assert not (folder / "adapter_model.safetensors").exists(), (
        "the trainer would take it for a finished run"
    )


@pytest.mark.parametrize("changed", FINGERPRINT)
def test_a_change_starts_afresh_and_is_named(folder, changed, caplog):
    caplog.set_level("INFO")
    assert last_sound_checkpoint(folder, {**FINGERPRINT, changed: "other"}) is None
    assert f"starting afresh: since the last run, other {changed}" in caplog.text
    assert not list(folder.glob("checkpoint-*"))


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({"argument bf16": True}, "bfloat16"),
        ({}, "float32"),
        ({"GPUs": 1, "argument bf16": True}, None),
    ],
)
def test_a_run_that_was_cut_off_keeps_its_precision(folder, chosen, kept):
    assert precision_before(folder) == "float32"
    (folder / FILE).write_text(json.dumps({**FINGERPRINT, **chosen}))
    assert precision_before(folder) == kept
    for made in folder.glob("checkpoint-*"):
        shutil.rmtree(made)
    assert precision_before(folder) is None


def test_checkpoints_of_nobody_are_not_used(folder, caplog):
    caplog.set_level("INFO")
    (folder / "fingerprint.json").unlink()
    assert last_sound_checkpoint(folder, FINGERPRINT) is None
    assert "nothing says which run the checkpoints are from" in caplog.text


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *(
            (file, cut)
            for file in (
                "trainer_state.json",
                "adapter_model.safetensors",
                "optimizer.pt",
                "scheduler.pt",
            )
        ),
        *((file, Path.unlink) for file in ("trainer_state.json", "optimizer.pt", "scheduler.pt")),
    ],
)
def test_a_checkpoint_that_was_cut_short_is_passed_over(folder, file, damage, caplog):
    caplog.set_level("INFO")
    damage(folder / "checkpoint-10" / file)
    assert last_sound_checkpoint(folder, FINGERPRINT) == folder / "checkpoint-9"
    assert "checkpoint-10 is not used: it was not written to the end" in caplog.text
    assert not (folder / "checkpoint-10").exists()


FORMS = {
    in_one_piece: ("adapter_model.safetensors", "optimizer.pt"),
    fsdp: ("adapter_model.safetensors", "pytorch_model_fsdp.bin", "optimizer.bin", "scheduler.pt"),
    fsdp_in_shards: (
        "pytorch_model_fsdp_0/.metadata",
        "pytorch_model_fsdp_0/__0_0.distcp",
        "optimizer_0/.metadata",
        "optimizer_0/__0_0.distcp",
        "scheduler.pt",
    ),
    deepspeed: (
        "latest",
        "global_step10/mp_rank_00_model_states.pt",
        "global_step10/zero_pp_rank_0_mp_rank_00_optim_states.pt",
    ),
}
"""What each way of training writes, beside the trainer's own state."""


@pytest.fixture
def folder_of(tmp_path):
    """Two whole checkpoints in a form."""

    def make(write) -> Path:
        last_sound_checkpoint(tmp_path, FINGERPRINT)
        for step in (9, 10):
            checkpoint(tmp_path, step, write)
        return tmp_path

    return make


@pytest.mark.parametrize("write", FORMS)
def test_a_whole_checkpoint_is_taken_in_whatever_form_it_was_written(folder_of, write, caplog):
    folder = folder_of(write)
    assert last_sound_checkpoint(folder, FINGERPRINT) == folder / "checkpoint-10", caplog.text
    assert (folder / "checkpoint-9").exists()


@pytest.mark.parametrize(
    ("write", "file"), [(write, file) for write, files in FORMS.items() for file in files]
)
def test_in_any_form_one_that_was_cut_short_is_not(folder_of, write, file, caplog):
    caplog.set_level("INFO")
    folder = folder_of(write)
    cut(folder / "checkpoint-10" / file)
    assert last_sound_checkpoint(folder, FINGERPRINT) == folder / "checkpoint-9"
    assert "checkpoint-10 is not used: it was not written to the end" in caplog.text


@pytest.mark.parametrize(
    ("write", "file"),
    [
        (in_one_piece, "adapter_model.safetensors"),
        (fsdp, "optimizer.bin"),
        (fsdp_in_shards, "optimizer_0/.metadata"),
        (fsdp_in_shards, "pytorch_model_fsdp_0/.metadata"),
        (fsdp_in_shards, "optimizer_0/__0_0.distcp"),
        (deepspeed, "latest"),
    ],
)
def test_nor_is_one_that_lacks_a_part(folder_of, write, file):
    folder = folder_of(write)
    (folder / "checkpoint-10" / file).unlink()
    assert last_sound_checkpoint(folder, FINGERPRINT) == folder / "checkpoint-9"


def test_the_log_up_to_a_checkpoint_is_in_llamafactorys_form(tmp_path):
    entries = log_until(checkpoint(tmp_path, 2))
    assert entries[0] == {
        "current_steps": 1,
        "total_steps": 20,
        "loss": 3.0,
        "lr": 0.1,
        "epoch": 0.25,
        "percentage": 5.0,
    }
    assert entries[-1] == {
        "current_steps": 2,
        "total_steps": 20,
        "eval_loss": 2.5,
        "epoch": 0.5,
        "percentage": 10.0,
    }


def test_the_order_of_rows_follows_from_seed_and_epoch_alone():
    def order(epoch: int, *, drawn_before: int) -> list[int]:
        torch.manual_seed(42)
        sampler = SeededLengthGroups(4, lengths=list(range(100)))
        torch.rand(drawn_before)  # dropout of the steps before
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, drawn_before=0) == order(1, drawn_before=7)
    assert order(1, drawn_before=0) != order(2, drawn_before=0)
    assert sorted(order(1, drawn_before=0)) == list(range(100))
