"""What is foreseen of an adapter rests on its arguments as they will be rendered, and refuses what the gates would."""

import pytest
from transformers import GPT2Config
from xuxie.dataset.plan import PlannedDataset
from xuxie.errors import UserError
from xuxie.evaluation.forecast import forecast

ONE_ROW_HELD_OUT = PlannedDataset(
    train=[], test=[{"output": "文" * 100}], texts=[], characters=0, note=""
)


@pytest.fixture
def foreseen(tmp_path, monkeypatch):
    """A function that foresees an adapter on four GPUs of a model that is not here, given what its `train` has."""
    monkeypatch.chdir(tmp_path)

    def foresee(train: dict, environment: str = "train") -> str:
        adapter = {
            "folders": [],
            "record": "model.json",
            "source_name": "Qwen/Qwen2.5-32B",
            "environment": environment,
            "trust_remote_code": False,
            "template": "qwen",
            "stages": [{"stage": "sft", "train": {"cutoff_len": 2048, **train}, "tokens": None}],
            "asking": {"batch_size": 8, "max_new_tokens": 300},
            "memory": 80,
            "gpus": 4,
            "nodes": 1,
        }
        sampling = {
            "systems": ["base"],
            "prompts": 1,
            "max_new_tokens": 300,
            "target_chars": 0,
            "variants": {},
            "drafts": 1,
        }
        lines = forecast(
            "small", adapter, ONE_ROW_HELD_OUT, sampling=sampling, evaluation={"rows": None}
        )
        return list(lines)[-1]

    return foresee


@pytest.mark.parametrize("environment", ["train", "qwen1"])
def test_bits_that_cannot_be_trained_in_are_refused_by_their_key(foreseen, environment):
    with pytest.raises(UserError, match=r"cannot be 5(.|\n)*adapters\.\*\.train\.quantization_bit"):
        foreseen({"quantization_bit": 5}, environment)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"quantization_bit": "4"}, {"quantization_bit": 4}),
        ({"per_device_train_batch_size": "2"}, {"per_device_train_batch_size": 2}),
        ({"fsdp": ["full_shard", "auto_wrap"]}, {"fsdp": "full_shard auto_wrap"}),
    ],
)
def test_what_yaml_reads_otherwise_counts_as_it_will_be_rendered(foreseen, written, meant):
    assert foreseen(written) == foreseen(meant) != foreseen({})


def test_without_the_sizes_of_the_model_there_is_no_guess(foreseen, monkeypatch):
    monkeypatch.setattr("xuxie.evaluation.forecast.config_of", lambda *_, **__: GPT2Config())
    assert "memory: unknown, since the model" in foreseen({})


def test_a_mistake_is_told_before_anything_is_spent(foreseen):
    with pytest.raises(UserError, match=r"fsdp cannot be True(.|\n)*train\.fsdp"):
        foreseen({"fsdp": True})
    with pytest.raises(UserError, match="did you mean lora_rank"):
        foreseen({"lora_rnk": 8})
