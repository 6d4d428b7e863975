"""What is put in place of other libraries' own parts says so when they no longer look for it."""

import pytest
import transformers
from xuxie.runtime.llamafactory import import_factory
from xuxie.training import launcher
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
