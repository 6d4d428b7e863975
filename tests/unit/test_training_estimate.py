"""Minutes of training follow from an earlier run on the same model, the budget and the length of the chapters."""

from pathlib import Path

import pytest
from estimate_training import estimate_training
from xuxie.files.rows import write_json, write_rows
from xuxie.training.estimate import Rate, measured_rate, seconds_of_stage

FILES = {"model.safetensors": "1d96"}


def manifest(stage="sft", *, files=FILES, started="2026-01-01", seconds=100, resumed=None) -> dict:
    return {
        "base_model": {"files": files},
        "stages": [
            {
                "stage": stage,
                "started": started,
                "resumed_from": resumed,
                "result": {"useful_tokens": 6000, "seconds_of_training": seconds},
                "rows": {
                    "files": {"train": {"tokens": 3000, "left_out": {"tokens": 1000}}},
                    "coverage": {"characters": 5000},
                },
            }
        ],
    }


def test_the_rate_is_that_of_the_latest_whole_run_on_the_same_model():
    runs = [
        manifest(seconds=100),
        manifest(seconds=50, started="2026-02-01"),
        manifest(seconds=1, started="2026-03-01", files={"model.safetensors": "other"}),
        manifest(seconds=2, started="2026-03-01", resumed="checkpoint-4"),
        manifest("pt", seconds=3, started="2026-03-01"),
    ]
    assert measured_rate(runs, "sft", FILES) == Rate(120.0, 0.8)
    assert measured_rate(runs[2:3], "sft", FILES) is None


@pytest.mark.parametrize(("budget", "tokens"), [(None, 8000), (2000, 2000), (10**6, 8000)])
def test_the_time_follows_rows_epochs_and_budget(budget, tokens):
    seconds = seconds_of_stage(Rate(100, 0.8), {"num_train_epochs": 2}, budget, characters=10_000)
    assert seconds == pytest.approx(2 * tokens / 100)


def test_the_script_says_minutes_or_that_nothing_was_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("results/adapters/old").mkdir(parents=True)
    write_json("results/adapters/old/manifest.json", manifest(seconds=100))
    write_json("model.json", {"files": FILES})
    write_rows("train_text.jsonl", [{"text": "字" * 15_000}])
    stages = [{"stage": name, "train": {"num_train_epochs": 1}, "tokens": None} for name in ("pt", "sft")]  # fmt: skip
    estimate_training(["train_text.jsonl"], ["model.json"], adapters={"mine": stages})
    said = capsys.readouterr().out
    assert "mine, stage pt: unknown" in said
    assert "mine, stage sft: about 3 minutes (60 tokens a second" in said
