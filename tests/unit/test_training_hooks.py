"""What is put in place of other libraries' own parts says so when they no longer look for it."""

import pytest
import torch
import transformers
from xuxie.runtime.llamafactory import import_factory
from xuxie.training import launcher, precision
from xuxie.training.chunked_loss import chunk_loss_on_cpu
from xuxie.training.generate import keep_own_generate
from xuxie.training.order import order_by_seed
from xuxie.training.progress import show_progress


@pytest.mark.parametrize(
    ("module", "name", "hook"),
    [
        ("transformers.trainer", "LengthGroupedSampler", order_by_seed),
        ("transformers.trainer", "PrinterCallback", show_progress),
        ("transformers.trainer", "DEFAULT_PROGRESS_CALLBACK", show_progress),
        ("llamafactory.model.loader", "patch_model", keep_own_generate),
        ("llamafactory.model.loader", "patch_model", chunk_loss_on_cpu),
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


def test_a_processor_that_is_fastest_in_float32_gets_its_weights_in_it(monkeypatch):
    misc = import_factory("llamafactory.extras.misc")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(misc, "_is_fp16_available", False)
    monkeypatch.setattr(misc, "_is_bf16_available", True)
    for best in (torch.bfloat16, torch.float32):
        monkeypatch.setattr(precision, "best_dtype", lambda large_products, best=best: best)
        precision.load_in_fastest_precision()
        assert misc.infer_optim_dtype(torch.bfloat16) == best
    monkeypatch.delattr(misc, "_is_bf16_available")
    with pytest.raises(RuntimeError, match="_is_bf16_available"):
        precision.load_in_fastest_precision()
