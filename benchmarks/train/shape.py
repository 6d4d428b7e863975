"""A model of a given shape with random weights: speed does not ask what a model knows."""

import shutil
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

QWEN3_1_7B = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
    "max_position_embeddings": 32768,
}


def make_random_model(folder: Path, tokenizer_folder: Path) -> Path:
    """Save random bfloat16 weights of the shape of Qwen3-1.7B, with the tokenizer of another Qwen."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for file in tokenizer_folder.glob("*token*"):
        shutil.copy(file, folder)
    model = Qwen3ForCausalLM(
        Qwen3Config(**QWEN3_1_7B, dtype="bfloat16", eos_token_id=151645, pad_token_id=151643)
    ).to(torch.bfloat16)
    model.save_pretrained(folder)
    return folder
