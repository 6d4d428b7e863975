"""Minutes of training follow from an earlier run on the same model, the budget and the length of the chapters."""

import pytest
from xuxie.config.stages import stages_of
from xuxie.training.estimate import Rate, measured_rate, seconds_of_stages

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
    entry = {
        "dataset": "d",
        "train": {"num_train_epochs": 2},
        "tokens": budget,
        "stages": [
            {"stage": "pt", "train": {}, "tokens": None},
            {"stage": "sft", "train": {"num_train_epochs": 1}, "tokens": None},
        ],
    }
    stages = list(stages_of("a", entry).values())
    rates = [Rate(100, 0.8), Rate(200, 0.8)]
    seconds = seconds_of_stages(rates, stages, characters=10_000)
    assert seconds == pytest.approx(2 * tokens / 100 + tokens / 200)
    assert seconds_of_stages([rates[0], None], stages, characters=10_000) is None
