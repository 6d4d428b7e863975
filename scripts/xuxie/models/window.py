"""How much a model can read at once."""

UNKNOWN = 1 << 30
"""Tokens, where a config does not say."""


def window_of(config) -> int:
    """The tokens that a model can read; of one that also sees or hears, the part that writes.

    Args:
        config: the model's Hugging Face config.
    """
    return getattr(config.get_text_config(), "max_position_embeddings", None) or UNKNOWN
