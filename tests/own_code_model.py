"""A model with code of its own, as Qwen-1 has: a `generate` that the library's must not replace."""

import json
import shutil
from pathlib import Path

CODE = """
import sys

from transformers import Qwen2Config, Qwen2ForCausalLM


class OwnConfig(Qwen2Config):
    model_type = "own"


class OwnModel(Qwen2ForCausalLM):
    config_class = OwnConfig

    def generate(self, *arguments, stop_words_ids=None, **settings):
        return f"own generate, stopping on {stop_words_ids}"

    def forward(self, *arguments, **settings):
        if not getattr(self, "said", False):
            self.said = True
            whose = "replaced" if "generate" in vars(self) else "its own"
            sys.stdout.write(f"generate of the model in training: {whose}\\n")  # one write: two workers share the stream
        return super().forward(*arguments, **settings)
"""


def make_own_code_model(folder: Path, tiny_model: Path) -> Path:
    """Save the tiny model as one that needs `trust_remote_code`, and return its folder."""
    shutil.copytree(tiny_model, folder)
    (folder / "modeling_own.py").write_text(CODE, encoding="utf-8")
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "model_type": "own",
        "architectures": ["OwnModel"],
        "auto_map": {
            "AutoConfig": "modeling_own.OwnConfig",
            "AutoModelForCausalLM": "modeling_own.OwnModel",
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder
