"""The sizes of models that may not be here yet, so that memory and time are foreseen before gigabytes are fetched.

As their publishers' config.json has them; where a model has been fetched, its own config counts.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

_NAMES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "tie_word_embeddings",
)
PUBLISHED: dict[str, dict[str, Any]] = {
    name: dict(zip(_NAMES, sizes, strict=True))
    for name, sizes in {
        "qwen2.5-coder-0.5b": (896, 4864, 24, 14, 2, 64, 151936, True),
        "gemma-3-270m": (640, 2048, 18, 4, 1, 256, 262144, True),
        "Qwen/Qwen3-1.7B-Base": (2048, 6144, 28, 16, 8, 128, 151936, True),
        "Qwen/Qwen3-8B": (4096, 12288, 36, 32, 8, 128, 151936, False),
        "Qwen/Qwen2.5-14B": (5120, 13824, 48, 40, 8, 128, 152064, False),
        "Qwen/Qwen2.5-32B": (5120, 27648, 64, 40, 8, 128, 152064, False),
        # Its config.json counts both halves of the gated layer as one.
        "Qwen/Qwen-1_8B": (2048, 5504, 24, 16, 16, 128, 151936, False),
    }.items()
}  # fmt: skip
"""By the name that their source gives them."""


def config_of(folder: str | Path | None, source_name: str, *, trust_remote_code: bool = False):
    """The config of a model, or as much of it as is published; None where nothing is known.

    Args:
        folder: its Hugging Face folder; None where it is not here, or only another environment can read it.
        source_name: what its source calls it.
    """
    if folder is not None:
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
    sizes = PUBLISHED.get(source_name)
    return SimpleNamespace(**sizes) if sizes else None
