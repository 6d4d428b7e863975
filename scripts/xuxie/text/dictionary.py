"""What jieba's dictionary knows of a word."""

from functools import cache
from pathlib import Path

import jieba


@cache
def entries() -> dict[str, tuple[str, int]]:
    """Tag and frequency (of 60 million) of each word that jieba knows."""
    lines = (Path(jieba.__file__).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
    return {word: (tag, int(count)) for word, count, tag in (line.split(" ") for line in lines)}


def is_common(word: str) -> bool:
    """Whether it is a word of the dictionary, and none of its names."""
    tag, frequency = entries().get(word, ("", 0))
    return bool(tag) and not tag.startswith("nr") and frequency >= 20


def is_known_name(word: str) -> bool:
    """Whether the dictionary has it as a name."""
    return entries().get(word, ("", 0))[0].startswith("nr")


def is_known(word: str) -> bool:
    """Whether it is a word of the dictionary at all."""
    return word in entries()


def is_verb(word: str) -> bool:
    """Whether the dictionary has it as a verb."""
    return entries().get(word, ("", 0))[0].startswith("v")
