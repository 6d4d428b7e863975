"""Models of a given shape with random weights: speed does not ask what a model knows."""

import shutil
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

SHAPES = {
    "1.7b": {
        "hidden_size": 2048,
        "intermediate_size": 6144,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
    },
    "14b": {
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 48,
        "num_attention_heads": 40,
        "num_key_value_heads": 8,
        "vocab_size": 152064,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "vocab_size": 4096,
        "tie_word_embeddings": True,
    },
}
"""Those of Qwen3-1.7B and Qwen2.5-14B, and one for a look at whether it runs."""


def make_random_model(folder: Path, tokenizer_folder: Path, shape: str = "1.7b") -> Path:
    """Save random bfloat16 weights of a shape, with the tokenizer of another Qwen."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for file in tokenizer_folder.glob("*token*"):
        shutil.copy(file, folder)
    config = Qwen3Config(
        **SHAPES[shape],
        head_dim=128,
        max_position_embeddings=32768,
        dtype="bfloat16",
        eos_token_id=151645 if SHAPES[shape]["vocab_size"] > 151645 else 2,
        pad_token_id=151643 if SHAPES[shape]["vocab_size"] > 151643 else 0,
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = Qwen3ForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    return folder
