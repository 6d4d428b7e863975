"""Models of a given shape with random weights: speed does not ask what a model knows."""

import shutil
from pathlib import Path

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM
from xuxie.models.loading import load_tokenizer
from xuxie.models.sizes import PUBLISHED

SHAPES = {
    "1.7b": PUBLISHED["Qwen/Qwen3-1.7B-Base"],
    "14b": PUBLISHED["Qwen/Qwen2.5-14B"],
    "tiny": {
        "hidden_size": 256,
        "intermediate_size": 512,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 128,
        "vocab_size": 4096,
        "tie_word_embeddings": True,
    },
}
"""Two of models, and one for a look at whether it runs."""


def make_random_model(folder: Path, tokenizer_folder: Path, shape: str = "1.7b") -> Path:
    """Save random bfloat16 weights of a shape, with the tokenizer of another Qwen."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for file in tokenizer_folder.glob("*token*"):
        shutil.copy(file, folder)
    tokenizer = load_tokenizer(folder)
    config = Qwen3Config(
        **SHAPES[shape],
        max_position_embeddings=32768,
        dtype="bfloat16",
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
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
