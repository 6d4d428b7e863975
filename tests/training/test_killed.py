"""A training that is killed outright, at moments drawn by seed, ends in the very adapter of one that was left alone."""

import random

import pytest
from patience import wait_until
from trainers import kill_at_step, trainers
from training_run import TrainingRun, rows_of
from xuxie.files.rows import read_json, read_rows

# Dropout and the order of rows draw random numbers, which a resumed run has to draw as if nothing had happened.
SETTINGS = {
    "num_train_epochs": 2,
    "save_strategy": "steps",
    "save_steps": 2,
    "eval_strategy": "steps",
    "eval_steps": 4,
    "lora_dropout": 0.2,
}
STEPS = 14


@pytest.fixture(scope="module")
def rows(novel_text):
    return rows_of(novel_text, 16)


@pytest.fixture(scope="module")
def undisturbed(tiny_model, rows, tmp_path_factory):
    """The folder of a run that nobody disturbed, and its manifest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("undisturbed"))
        run = TrainingRun(tiny_model, rows, train=SETTINGS).prepare()
        return run.folder.resolve(), run.run()


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_and_resumed_is_bit_for_bit_the_same(
    tiny_model, rows, undisturbed, seed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    run = TrainingRun(tiny_model, rows, train=SETTINGS).prepare()
    moments = sorted(random.Random(seed).sample(range(3, STEPS), 2))
    for moment in moments:
        kill_at_step(run.train_arguments, moment, STEPS)
        # One that outlived its job would write over the next one's checkpoints.
        wait_until(lambda: not trainers(tmp_path), "the trainer's end", lambda: None, patience=120)
    manifest = run.run()
    folder, alone = undisturbed
    assert manifest["resumed_from"] and not alone["resumed_from"], moments
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        assert (run.folder / file).read_bytes() == (folder / file).read_bytes(), (
            f"{file} differs after kills at {moments}"
        )
    assert manifest["result"]["losses"] == alone["result"]["losses"]
    logged = [
        entry["current_steps"]
        for entry in read_rows(run.folder / "trainer_log.jsonl")
        if "loss" in entry
    ]
    assert logged == list(range(1, STEPS + 1)), (
        "the log has a gap or a double where the run was resumed"
    )
    assert not list(run.folder.glob("checkpoint-*"))


def test_other_settings_start_afresh_and_say_why(
    tiny_model, rows, undisturbed, tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.chdir(tmp_path)
    run = TrainingRun(tiny_model, rows, train={**SETTINGS, "learning_rate": 0.01}).prepare()
    kill_at_step(run.train_arguments, 5, STEPS)
    assert list(run.folder.glob("checkpoint-*"))
    manifest = TrainingRun(tiny_model, rows, train=SETTINGS).prepare().run()
    assert manifest["resumed_from"] is None
    assert "starting afresh: since the last run, other argument learning_rate" in caplog.text
    assert (run.folder / "adapter_model.safetensors").read_bytes() == (
        undisturbed[0] / "adapter_model.safetensors"
    ).read_bytes()


def test_the_manifest_says_what_made_the_adapter(undisturbed):
    folder, manifest = undisturbed
    assert manifest == read_json(folder / "manifest.json")
    assert manifest["machine"]["packages"]["llamafactory"] and manifest["machine"]["processor"]
    assert manifest["arguments"]["lora_dropout"] == 0.2 and manifest["command"][1:4] == [
        "-m",
        "xuxie.training.launcher",
        "train",
    ]
    assert set(manifest["inputs"]) == {
        "results/adapters/small/stages/sft/train.yaml",
        "results/adapters/small/stages/sft/data/train.jsonl",
        "results/adapters/small/stages/sft/data/val.jsonl",
        "results/models/tiny/model.json",
    }
    assert "model.safetensors" in manifest["base_model"]["files"]
    assert manifest["result"]["steps"] == STEPS == len(manifest["result"]["losses"])
    assert manifest["result"]["useful_tokens"] > 0
