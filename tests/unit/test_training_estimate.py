"""Minutes of training follow from an earlier run on the same model or from a stated assumption, the rows and the budget."""

import pytest
from training_run import rows_of, texts_of
from xuxie.models.loading import load_tokenizer
from xuxie.training.estimate import assumed_rate, measured_rate
from xuxie.training.plan import characters_covered, planned_rows, tokens_to_train
from xuxie.training.speed import assumed_speed

FILES = {"model.safetensors": "1d96"}
TRAIN = {
    "num_train_epochs": 2,
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 3,
}


def manifest(stage="sft", *, files=FILES, started="2026-01-01", seconds=100, resumed=None) -> dict:
    return {
        "base_model": {"files": files},
        "stages": [
            {
                "stage": stage,
                "started": started,
                "seconds": seconds + 30,
                "resumed_from": resumed,
                "result": {"useful_tokens": 6000, "seconds_of_training": seconds},
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
    found = measured_rate(runs, "sft", FILES)
    assert found.per_second == 120 and "120 tokens a second" in found.source
    assert found.seconds(1200) == pytest.approx(30 + 10), "loading and saving take their time too"
    assert measured_rate(runs[2:3], "sft", FILES) is None


def test_what_is_assumed_is_said_and_follows_the_device():
    weights, train = 1.5e9, {"num_train_epochs": 1}
    cpu = assumed_rate(weights, train, assumed_speed(gpu=None, cores=2))
    large = assumed_rate(weights, train, assumed_speed(gpu="NVIDIA H200", cores=2))
    unknown = assumed_rate(weights, train, assumed_speed(gpu="", cores=2))
    eight = assumed_rate(weights, train, assumed_speed(gpu="NVIDIA H200", cores=2, devices=8))
    assert "assumed: 2 cores" in cpu.source and "H200" in large.source
    assert cpu.per_second < unknown.per_second < large.per_second
    assert eight.per_second == pytest.approx(8 * large.per_second)
    without = {**train, "disable_gradient_checkpointing": True}
    faster = assumed_rate(weights, without, assumed_speed(gpu="NVIDIA H200", cores=2))
    assert faster.per_second == pytest.approx(1.5 * large.per_second)


@pytest.mark.parametrize("stage", ["pt", "sft"])
def test_what_characters_say_without_a_tokenizer_is_near_what_tokens_say(
    stage, embedded_tokens, novel_text
):
    texts = texts_of(novel_text, 2500)[:6]
    rows = texts if stage == "pt" else [
        {**row, "learnt": row["completion_span"]} for row in rows_of(novel_text, 60)
    ]  # fmt: skip
    arguments = {"stage": stage, "template": "qwen", "cutoff_len": 512, "seed": 0}
    exact, about = (
        planned_rows(arguments, rows, tokenizer, budget=None)
        for tokenizer in (embedded_tokens, None)
    )
    assert sum(about.sizes) == pytest.approx(sum(exact.sizes), rel=0.25)
    assert characters_covered(about, texts) == characters_covered(exact, texts) > 0


@pytest.fixture(scope="module")
def embedded_tokens(tmp_path_factory, novel_text):
    """A tokenizer that takes about 0.8 tokens for a character, as real ones do."""
    from tiny_model import make_tiny_model

    folder = tmp_path_factory.mktemp("larger") / "model"
    return load_tokenizer(make_tiny_model(folder, novel_text, vocabulary=3000))


def test_a_budget_bounds_tokens_and_coverage(tiny_model, novel_text):
    texts = texts_of(novel_text, 2500)[:6]
    rows = [{**row, "learnt": row["completion_span"]} for row in rows_of(novel_text, 60)]
    arguments = {"stage": "sft", "template": "qwen", "cutoff_len": 512, "seed": 0}
    for tokenizer in (load_tokenizer(tiny_model), None):
        whole, part = (
            planned_rows(arguments, rows, tokenizer, budget=budget) for budget in (None, 2000)
        )
        assert sum(part.sizes) <= 2000 < sum(whole.sizes)
        assert 0 < characters_covered(part, texts) < characters_covered(whole, texts)


def test_tokens_follow_epochs_or_steps(tiny_model, novel_text):
    arguments = {"stage": "sft", "template": "qwen", "cutoff_len": 512, "seed": 0}
    planned = planned_rows(arguments, rows_of(novel_text, 12), None, budget=None)
    assert tokens_to_train(planned, TRAIN, 1) == 2 * sum(planned.sizes)
    steps = {**TRAIN, "max_steps": 4}
    mean = sum(planned.sizes) / 12
    assert tokens_to_train(planned, steps, 2) == pytest.approx(4 * 2 * 3 * 2 * mean)
