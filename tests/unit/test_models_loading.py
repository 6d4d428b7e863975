"""A model is loaded in the form in which it was trained, and then base and adapter are what they were in training."""

import importlib.metadata
import os
import subprocess
import sys

import pytest
import torch
import transformers
from xuxie.models import loading
from xuxie.models.loading import best_dtype, load_model, quantisation


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        ({}, {}),
        ({"quantization_bit": None}, {}),
        ({"quantization_bit": 8}, {"load_in_8bit": True}),
        (
            {"quantization_bit": 4, "double_quantization": False},
            {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": False},
        ),
    ],
)  # fmt: skip
def test_the_form_follows_llamafactorys_arguments(arguments, form):
    assert quantisation(arguments) == form


def test_quantised_weights_are_asked_for_and_not_moved(tiny_model, monkeypatch):
    """Without bitsandbytes and a GPU: what transformers is asked for."""
    asked = {}

    class Loaded(torch.nn.Module):
        def to(self, *_, **__):
            raise ValueError("quantised weights cannot be moved")

    def load(folder, **settings):
        asked.update(settings)
        return Loaded()

    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata,
        "version",
        lambda name: "0.46.0" if name == "bitsandbytes" else version(name),
    )
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", load)
    form = quantisation({"quantization_bit": 4})
    load_model(tiny_model, quantised=form, dtype="bfloat16")
    config = asked["quantization_config"]
    assert config.load_in_4bit and config.bnb_4bit_quant_type == "nf4"
    assert config.bnb_4bit_compute_dtype == torch.bfloat16
    assert set(asked["device_map"]) == {""}


@pytest.mark.parametrize(("computes", "found"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_that_only_emulates_bfloat16_computes_in_float16(monkeypatch, computes, found):
    """As those of the Turing generation do: T4, 2080 Ti."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: computes or including_emulation,
    )
    assert best_dtype() == best_dtype(large_products=True) == found


@pytest.mark.parametrize("wanted, found", [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_of_a_model_sleep_while_they_wait_unless_the_user_says_otherwise(wanted, found):
    environment = {**os.environ, "OMP_DISPLAY_ENV": "TRUE"}
    environment.pop("OMP_WAIT_POLICY", None)
    if wanted:
        environment["OMP_WAIT_POLICY"] = wanted
    loaded = [sys.executable, "-c", "import xuxie, torch"]
    said = subprocess.run(loaded, env=environment, check=True, capture_output=True, text=True)
    assert f"OMP_WAIT_POLICY = '{found}'" in said.stderr


def test_one_lucky_product_does_not_change_the_precision(monkeypatch):
    """On a busy machine a product may find a core of its own for once."""
    float32 = iter([0.1, 0.1, 0.1, 0.04, *[0.1] * 20])

    def seconds(left, right):
        return 0.045 if left.dtype == torch.bfloat16 else next(float32)

    monkeypatch.setattr(loading, "_seconds_of_product", seconds)
    loading._multiplies_faster_in_bfloat16.cache_clear()
    try:
        assert loading._multiplies_faster_in_bfloat16()
    finally:
        loading._multiplies_faster_in_bfloat16.cache_clear()
