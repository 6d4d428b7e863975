"""What training asks of packages and device is there before anything expensive, or is named with what brings it."""

import importlib.util
import sys

import pytest
from training_run import TrainingRun, rows_of
from transformers import Trainer, TrainingArguments
from transformers.training_args import OptimizerNames
from xuxie.errors import UserError
from xuxie.training.features import (
    asked_features,
    missing,
    refuse_missing,
    unfit_for_liger,
)

#: What can be asked for, and the package that has it.
ASKED = {
    "flash_attn: fa2": ({"flash_attn": "fa2"}, "flash_attn"),
    "enable_liger_kernel": ({"enable_liger_kernel": True}, "liger_kernel"),
    "quantization_bit: 4": ({"quantization_bit": 4}, "bitsandbytes"),
    "quantization_bit: 8": ({"quantization_bit": 8}, "bitsandbytes"),
    "optim: paged_adamw_8bit": ({"optim": "paged_adamw_8bit"}, "bitsandbytes"),
    "optim: lion_32bit": ({"optim": "lion_32bit"}, "bitsandbytes"),
    "optim: rmsprop_bnb": ({"optim": "rmsprop_bnb"}, "bitsandbytes"),
    "optim: adamw_torch_8bit": ({"optim": "adamw_torch_8bit"}, "torchao"),
    "fp8": ({"fp8": True, "fp8_backend": "auto"}, "torchao"),
    "deepspeed": ({"deepspeed": "zero3.json"}, "deepspeed"),
}


#: Values of `optim` that torch and transformers have by themselves.
OWN_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adafactor", "adagrad", "rmsprop", "sgd")


def absent(module: str) -> None:
    """Skip where a package is there: that it is not is what these tests are about."""
    if importlib.util.find_spec(module):
        pytest.skip(f"{module} is installed here: this is not the environment without a GPU")


@pytest.fixture
def liger_everywhere(tmp_path, monkeypatch):
    """A liger that knows what LLaMA-Factory does not, and that notes what is called; it is looked for without a GPU."""
    absent("liger_kernel")
    package = tmp_path / "liger_kernel"
    package.mkdir()
    (package / "__init__.py").touch()
    known = ("qwen2", "glm", "glm4", "smollm3", "olmo3", "gpt2")
    functions = [f"def apply_liger_kernel_to_{name}(): called.append({name!r})" for name in known]
    (package / "transformers.py").write_text("\n".join(["called = []", *functions]))
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield
    for name in ("liger_kernel", "liger_kernel.transformers"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(tiny_model, novel_text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda **train: TrainingRun(tiny_model, rows_of(novel_text, 6), train=train).prepare()


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("name", ASKED)
def test_what_is_not_installed_is_named_with_what_brings_it(name, here):
    arguments, module = ASKED[name]
    absent(module)
    faults = missing(arguments, "qwen2", here=here)
    assert [fault[:2] for fault in faults] == [(name, f"{module} is not installed")]
    with pytest.raises(UserError, match=rf"{name} is asked for(.|\n)*adapters\.\*\.train, {name}"):
        refuse_missing(faults, where="somewhere")


@pytest.mark.parametrize("name", [optimizer.value for optimizer in OptimizerNames])
def test_what_an_optimizer_needs_is_what_transformers_asks_for(name, tmp_path):
    """Its own attempt to make one ends with the package's name where the package is not installed."""
    modules = [feature.module for feature in asked_features({"optim": name}, "qwen2")]
    assert bool(modules) != (name in OWN_OPTIMIZERS), "each is in one of the lists"
    arguments = TrainingArguments(output_dir=str(tmp_path), optim=name, use_cpu=True)
    if not modules:
        Trainer.get_optimizer_cls_and_kwargs(arguments)
        return
    absent(modules[0])
    with pytest.raises((ImportError, ValueError), match=modules[0]):
        Trainer.get_optimizer_cls_and_kwargs(arguments)


@pytest.mark.parametrize("model_type", ["qwen2", "qwen3", "llama", "glm4", "mistral"])
def test_models_that_llamafactory_gives_liger_kernels(model_type):
    assert unfit_for_liger(model_type) == ""


@pytest.mark.parametrize("model_type", ["smollm3", "olmo3", "gpt2"])
def test_liger_is_refused_for_models_that_llamafactory_would_train_without_it(
    model_type, liger_everywhere
):
    [(_, fault, _)] = missing({"enable_liger_kernel": True}, model_type, here=False)
    assert fault == f"LLaMA-Factory has no kernels of liger for models of the type {model_type}"


def test_liger_is_refused_where_the_kernels_go_to_another_type(liger_everywhere):
    [(_, fault, _)] = missing({"enable_liger_kernel": True}, "glm", here=False)
    assert "apply_liger_kernel_to_glm4, which does nothing for the type glm" in fault
    assert missing({"enable_liger_kernel": True}, "glm4", here=False) == []


def test_the_list_is_asked_without_touching_liger(liger_everywhere):
    liger = importlib.import_module("liger_kernel.transformers")
    assert unfit_for_liger("qwen2") == ""
    assert sys.modules["liger_kernel.transformers"] is liger
    assert liger.called == []


def test_a_release_of_liger_without_the_kernels_is_told(liger_everywhere):
    [(_, fault, _)] = missing({"enable_liger_kernel": True}, "qwen3_next", here=True)
    assert "this release has no kernels for models of the type qwen3_next" in fault


def test_everything_that_is_missing_is_said_at_once():
    absent("liger_kernel"), absent("bitsandbytes")
    faults = missing({"enable_liger_kernel": True, "quantization_bit": 4}, "qwen2", here=False)
    with pytest.raises(UserError) as caught:
        refuse_missing(faults, where="somewhere")
    said = str(caught.value)
    assert "enable_liger_kernel is asked for" in said and "quantization_bit: 4 is asked for" in said
    assert said.count("make install GPU=1") == 1


def test_a_package_is_looked_for_elsewhere_and_tried_where_it_trains(tmp_path, monkeypatch):
    absent("flash_attn")
    package = tmp_path / "flash_attn"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('undefined symbol: of another torch')")
    monkeypatch.syspath_prepend(tmp_path)
    asked = {"flash_attn": "fa2"}
    assert missing(asked, "qwen2", here=False) == []
    [(_, fault, remedy)] = missing(asked, "qwen2", here=True)
    assert "undefined symbol" in fault and "sdpa" in remedy


def test_what_torch_has_is_tried_too():
    arguments = {"flash_attn": "sdpa", "bf16": True}
    assert [feature.argument for feature in asked_features(arguments, "qwen2")] == [
        "flash_attn: sdpa",
        "bf16",
    ]
    assert missing(arguments, "qwen2", here=True) == []


def test_the_gates_say_it_before_llamafactory_does_and_whatever_gates_warn_says(run):
    absent("liger_kernel")
    prepared = run(enable_liger_kernel=True)
    prepared.gates = "warn"
    with pytest.raises(UserError, match=r"liger_kernel is not installed(.|\n)*make install GPU=1"):
        prepared.check()


def test_the_report_of_the_gates_tells_that_it_was_looked_at(run):
    first = run(flash_attn="sdpa").check()["gates"][0]
    assert (first["name"], first["looked_at"]) == ("what training asks for is there", 1)


def test_the_job_that_trains_tries_it_first_of_all(run):
    absent("bitsandbytes")
    prepared = run(quantization_bit=4)
    with pytest.raises(UserError, match=r"bitsandbytes is not installed(.|\n)*tried on"):
        prepared.run()
    assert not (prepared.folder / "cache").exists(), "nothing was prepared for it"
