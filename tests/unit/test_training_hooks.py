"""What is put in place of other libraries' own parts says so when they no longer look for it."""

import io
from types import SimpleNamespace

import pytest
import torch
import transformers
from xuxie.runtime.llamafactory import import_factory
from xuxie.training import launcher
from xuxie.training.chunked_loss import chunk_loss_on_cpu
from xuxie.training.evaluated_once import EvaluatedOnce, evaluate_once
from xuxie.training.generate import keep_own_generate
from xuxie.training.numbered_cpus import read_onto_numbered_cpus
from xuxie.training.order import order_by_seed
from xuxie.training.precision import weights_in_compute_dtype_on_cpu
from xuxie.training.progress import show_progress


@pytest.mark.parametrize(
    ("module", "name", "hook"),
    [
        ("transformers.trainer", "LengthGroupedSampler", order_by_seed),
        ("transformers.trainer", "DEFAULT_CALLBACKS", evaluate_once),
        ("transformers.trainer", "PrinterCallback", show_progress),
        ("transformers.trainer", "DEFAULT_PROGRESS_CALLBACK", show_progress),
        ("llamafactory.model.loader", "patch_model", keep_own_generate),
        ("llamafactory.model.loader", "patch_model", chunk_loss_on_cpu),
        ("llamafactory.model.loader", "patch_model", weights_in_compute_dtype_on_cpu),
    ],
)
def test_a_hook_that_has_lost_its_target_says_so(module, name, hook, monkeypatch):
    for kept in ("LengthGroupedSampler", "PrinterCallback", "DEFAULT_PROGRESS_CALLBACK"):
        monkeypatch.setattr(transformers.trainer, kept, getattr(transformers.trainer, kept))
    monkeypatch.delattr(import_factory(module), name)
    with pytest.raises((RuntimeError, AttributeError), match=name):
        hook()


def test_so_does_the_one_in_llamafactorys_launcher(monkeypatch):
    factory = import_factory("llamafactory.launcher")
    monkeypatch.setattr(factory, "__file__", factory.__file__)
    starters = (factory.launch, import_factory("llamafactory.cli").main)
    launcher._point_torchrun_here(factory, starters)
    assert factory.__file__ == launcher.TORCHRUN_TARGET
    with pytest.raises(RuntimeError, match="unprepared"):
        launcher._point_torchrun_here(factory, [lambda: None])


@pytest.mark.parametrize(("last", "once_more"), [(3, False), (2, True), (None, True)])
def test_the_val_chapters_are_read_again_at_the_end_only_if_its_weights_have_not_been_measured(
    last, once_more
):
    arguments = SimpleNamespace(do_eval=True)
    history = [{"step": 3, "loss": 1.0}, *([{"step": last, "eval_loss": 1.0}] if last else [])]
    state = SimpleNamespace(global_step=3, log_history=history)
    EvaluatedOnce().on_train_end(arguments, state, None)
    assert arguments.do_eval is once_more


@pytest.mark.parametrize("computes_in", [torch.float32, torch.bfloat16])
def test_weights_are_in_the_precision_that_a_processor_computes_in(computes_in, monkeypatch):
    loader = import_factory("llamafactory.model.loader")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(loader, "patch_model", lambda model, *_: None)
    weights_in_compute_dtype_on_cpu()
    model = torch.nn.Linear(2, 2, dtype=torch.bfloat16)
    loader.patch_model(model, None, SimpleNamespace(compute_dtype=computes_in), True, False)
    assert model.weight.dtype == computes_in


def test_a_checkpoint_is_read_onto_a_cpu_with_a_number(monkeypatch):
    """As one of several processes reads it; without us torch does not know the place."""
    monkeypatch.setattr(
        torch.serialization, "_package_registry", list(torch.serialization._package_registry)
    )
    saved, state = io.BytesIO(), {"moment": torch.ones(3)}
    torch.save(state, saved)

    def load() -> torch.Tensor:
        saved.seek(0)
        return torch.load(saved, map_location=torch.device("cpu", 1), weights_only=True)["moment"]

    with pytest.raises(RuntimeError, match="don't know how to restore"):
        load()
    read_onto_numbered_cpus()
    assert torch.equal(load(), state["moment"])
