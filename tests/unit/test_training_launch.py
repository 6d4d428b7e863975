"""What a training is started with is what LLaMA-Factory then reads."""

import sys

import pytest
from xuxie.runtime.llamafactory import import_factory
from xuxie.training.launch import launch


@pytest.mark.parametrize("nodes", [1, 2])
def test_what_the_machine_says_is_read_as_it_was_said(tmp_path, monkeypatch, nodes):
    file = tmp_path / "train.yaml"
    file.write_text("bf16: false\nlearning_rate: 0.1\n")
    said = {
        "bf16": True,
        "per_device_train_batch_size": 1,
        "ddp_backend": "gloo",
        "tokenized_path": "results/adapters/Ban-Jin-Du/stages/pt/cache/blocks",
    }
    command, _ = launch(
        str(file), said, threads=1, gpus=1, nodes=nodes, cache=str(tmp_path), environment={}
    )
    monkeypatch.setattr(sys, "argv", command[command.index("train") :])
    read = import_factory("llamafactory.hparams.parser").read_args()
    assert read == {"learning_rate": 0.1, **said}
