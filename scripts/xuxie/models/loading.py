"""Load a base model, with or without an adapter, in the precision that suits the machine or the form that it was trained in."""

import time
from functools import cache
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

import torch


def best_dtype(*, large_products: bool = False) -> torch.dtype:
    """bfloat16 where the GPU, or without one the processor, computes in it; else float32.

    Args:
        large_products: for work that multiplies large matrices, as training does, rather than for decoding, which waits
            for memory. There, of the processors that know bfloat16 but have no AMX, some are twice as fast in it and some
            half as fast: so it is tried.
    """
    if torch.cuda.is_available():
        # Unless it is told not to, torch counts the Turing generation in, which only emulates it.
        computes = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if computes else torch.float16
    processor = torch.cpu.get_capabilities()
    if processor.get("amx_bf16"):
        return torch.bfloat16
    if processor.get("avx512_bf16") and (not large_products or _multiplies_faster_in_bfloat16()):
        return torch.bfloat16
    return torch.float32


@cache
def _multiplies_faster_in_bfloat16() -> bool:
    """Whether a product of a small model's size takes a quarter less time than in float32, which is more exact.

    Each is timed beside the other, and the median of the ratios counts: other work on the machine slows both alike, and a job that
    is begun again must choose as the first one did.
    """
    sides = [
        (torch.ones(512, 896, dtype=dtype), torch.ones(896, 4864, dtype=dtype))
        for dtype in (torch.bfloat16, torch.float32)
    ]
    return median(truediv(*(_seconds_of_product(*side) for side in sides)) for _ in range(9)) < 0.75


def _seconds_of_product(left: torch.Tensor, right: torch.Tensor) -> float:
    start = time.perf_counter()
    left @ right
    return time.perf_counter() - start


def load_tokenizer(folder: str | Path, *, trust_remote_code: bool = False):
    """The tokenizer of a model folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)


def quantisation(arguments: dict) -> dict:
    """The form in which LLaMA-Factory held the base model's weights while it trained: bitsandbytes' settings; empty if they were not quantised.

    Args:
        arguments: LLaMA-Factory's.
    """
    bits = arguments.get("quantization_bit")
    if bits == 4:
        return {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": arguments.get("quantization_type", "nf4"),
            "bnb_4bit_use_double_quant": arguments.get("double_quantization", True),
        }
    return {"load_in_8bit": True} if bits == 8 else {}


def load_model(
    folder: str | Path,
    adapter: str | Path | None = None,
    *,
    dtype: str | torch.dtype = "auto",
    device: str | None = None,
    quantised: dict | None = None,
    trust_remote_code: bool = False,
):
    """Load a model for inference, in evaluation mode.

    Args:
        folder: a Hugging Face model folder.
        adapter: a LoRA adapter's folder, put on top.
        dtype: a torch dtype or its name; `auto` takes bfloat16 where the hardware has it.
        device: where to; None takes the GPU if there is one.
        quantised: bitsandbytes' settings, see `quantisation`; base and adapter are then what they were in training.
        trust_remote_code: run the model's own code, which only the model's entry in the config may allow.

    Returns:
        (model, tokenizer)
    """
    import transformers
    from packaging import version
    from transformers import AutoModelForCausalLM

    wanted = (
        best_dtype()
        if dtype == "auto"
        else getattr(torch, dtype)
        if isinstance(dtype, str)
        else dtype
    )
    # Called dtype since transformers 4.56; the release that Qwen-1 needs is older.
    precision = {
        "dtype"
        if version.parse(transformers.__version__) >= version.parse("4.56")
        else "torch_dtype": wanted
    }
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    form: dict[str, Any] = {}
    if quantised:
        compute = {"bnb_4bit_compute_dtype": wanted} if quantised.get("load_in_4bit") else {}
        form = {
            "quantization_config": transformers.BitsAndBytesConfig(**quantised, **compute),
            "device_map": {"": device},
        }
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, **precision, **form, trust_remote_code=trust_remote_code
    )
    if adapter is not None:
        from peft import PeftModel

        # In the base's own precision, as servers load it: peft's float32 makes reading half as slow again.
        model = PeftModel.from_pretrained(model, adapter, autocast_adapter_dtype=bool(quantised))
    # Quantised weights are where they belong already, and cannot be moved.
    if not quantised:
        model = model.to(device)
    return model.eval(), load_tokenizer(folder, trust_remote_code=trust_remote_code)
