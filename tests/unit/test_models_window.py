"""A model's window is what its config says, wherever it says it."""

import pytest
from transformers import Gemma3Config, Gemma3TextConfig, GPT2Config, PreTrainedConfig, Qwen2Config
from xuxie.models.window import UNKNOWN, window_of


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        (Qwen2Config(max_position_embeddings=2048), 2048),
        (GPT2Config(n_positions=1024), 1024),
        (Gemma3Config(text_config=Gemma3TextConfig(max_position_embeddings=4096).to_dict()), 4096),
        (PreTrainedConfig(), UNKNOWN),
    ],
    ids=["at its top", "by another name", "in a part", "nowhere"],
)
def test_the_window_is_found_wherever_the_config_has_it(config, tokens):
    assert window_of(config) == tokens
