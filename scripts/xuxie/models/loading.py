"""Load a base model, with or without an adapter, in the precision that suits the machine."""

from pathlib import Path

import torch


def best_dtype() -> torch.dtype:
    """bfloat16 where the GPU, or without one the processor, computes in it; else float32."""
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    processor = torch.cpu.get_capabilities()
    return (
        torch.bfloat16
        if processor.get("avx512_bf16") or processor.get("amx_bf16")
        else torch.float32
    )


def load_tokenizer(folder: str | Path, *, trust_remote_code: bool = False):
    """The tokenizer of a model folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)


def load_model(
    folder: str | Path,
    adapter: str | Path | None = None,
    *,
    dtype: str | torch.dtype = "auto",
    trust_remote_code: bool = False,
):
    """Load a model for inference: on the GPU if there is one, in evaluation mode.

    Args:
        folder: a Hugging Face model folder.
        adapter: a LoRA adapter's folder, put on top.
        dtype: a torch dtype or its name; `auto` takes bfloat16 where the hardware has it.
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
    model = AutoModelForCausalLM.from_pretrained(
        folder, **precision, trust_remote_code=trust_remote_code
    )
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    if torch.cuda.is_available():
        model = model.cuda()
    return model.eval(), load_tokenizer(folder, trust_remote_code=trust_remote_code)
