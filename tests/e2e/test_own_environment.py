"""A model whose code needs packages of its time: trained, sampled and evaluated in its own environment by the same workflow."""

import json
import subprocess

import pytest
import yaml
from own_code_model import make_own_code_model
from workspace import REPOSITORY
from xuxie.files.rows import read_json, read_rows

ADAPTER = "results/adapters/own"
# As a release of that time would have written it.
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
}


@pytest.fixture(scope="module")
def environment():
    """The virtual environment of Qwen-1, made as the README says."""
    subprocess.run(["make", ".venv-qwen1"], cwd=REPOSITORY, check=True)


def test_a_model_with_code_of_its_own_goes_the_whole_road(
    environment, new_workspace, tiny_model, tmp_path
):
    own = make_own_code_model(tmp_path / "own", tiny_model)
    (own / "tokenizer_config.json").write_text(json.dumps(TOKENIZER))
    config = yaml.safe_load((new_workspace / "config.yaml").read_text(encoding="utf-8"))
    config["models"]["own"] = {
        "source": "path",
        "name": str(own),
        "template": "qwen",
        "trust_remote_code": True,
        "environment": "qwen1",
    }
    config["adapters"]["own"] = {**config["adapters"]["small"], "model": "own"}
    new_workspace.configure(config)
    new_workspace.snakemake(f"{ADAPTER}/evaluation.json")
    for job in (
        "render_training/own.sft",
        "fit_rows/own.sft",
        "check_gates/own.sft",
        "train_adapter/own.sft",
        "sample_outputs/own",
        "evaluate_adapter/own",
    ):
        log = (new_workspace / f"logs/{job}.log").read_text(encoding="utf-8")
        assert ".venv-qwen1" in log, job
    assert "generate in use: OwnModel's own" in (
        new_workspace / "logs/train_adapter/own.sft.log"
    ).read_text(encoding="utf-8")
    assert read_json(new_workspace / ADAPTER / "stages/sft/manifest.json")["machine"]["packages"][
        "transformers"
    ].startswith("4.50.")
    samples = list(read_rows(new_workspace / ADAPTER / "samples.jsonl"))
    assert samples
    for sample in samples:
        assert all(output["tokens"] for output in sample["outputs"].values())
    bits = read_json(new_workspace / ADAPTER / "evaluation.json")["bits_per_character"]
    assert bits["tuned"]["value"] != bits["base"]["value"]
