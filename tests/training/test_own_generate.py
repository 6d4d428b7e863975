"""A model that brings its own `generate` keeps it, in the trainer and through torchrun; others use the library's."""

import os
import re
import subprocess

import pytest
from own_code_model import make_own_code_model
from training_run import TrainingRun, rows_of
from xuxie.runtime.llamafactory import import_factory
from xuxie.training.generate import keep_own_generate
from xuxie.training.launch import launch


@pytest.fixture(scope="module")
def own_code_model(tiny_model, tmp_path_factory):
    return make_own_code_model(tmp_path_factory.mktemp("own") / "model", tiny_model)


def load(folder, **arguments):
    parser = import_factory("llamafactory.hparams.parser")
    model, _, finetuning, _ = parser.get_infer_args(
        {"model_name_or_path": str(folder), "template": "qwen", **arguments}
    )
    loader = import_factory("llamafactory.model.loader")
    return loader.load_model(loader.load_tokenizer(model)["tokenizer"], model, finetuning)


@pytest.fixture
def patched(monkeypatch):
    """LLaMA-Factory with our wrap, and as it was afterwards."""
    loader = import_factory("llamafactory.model.loader")
    monkeypatch.setattr(loader, "patch_model", loader.patch_model)
    keep_own_generate()


def test_without_us_llamafactory_replaces_it(own_code_model):
    """What the wrap is for. When this fails, LLaMA-Factory has mended it, and the wrap can go."""
    assert "generate" in vars(load(own_code_model, trust_remote_code=True))


def test_its_own_generate_is_kept(own_code_model, patched, caplog):
    caplog.set_level("INFO", logger="xuxie")
    model = load(own_code_model, trust_remote_code=True)
    assert model.generate(stop_words_ids=[[7]]) == "own generate, stopping on [[7]]"
    assert "generate in use: OwnModel's own" in caplog.text


def test_other_models_use_the_librarys(tiny_model, patched, caplog):
    caplog.set_level("INFO", logger="xuxie")
    load(tiny_model)
    assert "generate in use: the library's" in caplog.text


def test_it_is_kept_through_torchrun(own_code_model, novel_text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = TrainingRun(
        own_code_model,
        rows_of(novel_text, 6),
        trust_remote_code=True,
        train={"max_steps": 1, "eval_strategy": "no"},
    ).prepare()
    command, environment = launch(
        run / "train.yaml",
        {"use_cpu": True},
        threads=1,
        gpus=2,
        nodes=1,
        cache=str(tmp_path / "cache"),
        environment=dict(os.environ),
    )
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    assert len(re.findall("generate of the model in training: its own", done.stdout)) == 2, (
        done.stdout
    )
    assert len(re.findall("generate in use: OwnModel's own", done.stdout)) == 2
    assert (run.folder / "adapter_model.safetensors").exists()
