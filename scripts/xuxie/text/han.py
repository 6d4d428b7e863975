"""What a Chinese character is."""

import re

HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Inside of a regular expression's brackets: the ideographs of every plane, their compatibility forms, and 〇."""

_ALL_HAN = re.compile(f"[{HAN}]+")


def is_han(text: str) -> bool:
    """Whether a text is Chinese characters and nothing else."""
    return _ALL_HAN.fullmatch(text) is not None
