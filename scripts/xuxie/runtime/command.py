"""A command as a list of words, in which some stand for what is known only when it runs. No shell ever reads it."""

import re
from collections.abc import Mapping, Sequence

from xuxie.errors import UserError

PORT, MODEL, NAME, CONTEXT, GPUS = PLACEHOLDERS = (
    "{port}",
    "{model}",
    "{name}",
    "{context}",
    "{gpus}",
)

_LIKE_ONE = re.compile(r"\{\w+\}")


def filled(words: Sequence[object], values: Mapping[str, object]) -> list[str]:
    """The command with a value in the place of each word that is its placeholder."""
    return [str(values.get(word, word)) for word in map(str, words)]


def check_command(words: Sequence[object], *, has_model: bool, key: str) -> None:
    """Check a server's command as far as possible before anything runs.

    Args:
        has_model: whether the configuration names a model to put in the place of `{model}`.
        key: the key of the configuration, for messages.

    Raises:
        UserError: a placeholder is unknown, is only part of a word, or has nothing to stand for; or the port is missing.
    """
    where = f"config key {key}"
    texts = [str(word) for word in words]
    for text in texts:
        for found in [] if text in PLACEHOLDERS else _LIKE_ONE.findall(text):
            if found in PLACEHOLDERS:
                raise UserError(
                    f"{found} is a part of the word {text!r}",
                    where=where,
                    remedy=f"make it a word of its own, as in [--port, {PORT}]",
                )
            if found == text:
                raise UserError(
                    f"{text} stands for nothing",
                    where=where,
                    remedy=f"the placeholders are {', '.join(PLACEHOLDERS)}",
                )
    if PORT not in texts:
        raise UserError(
            "the server is not told its port",
            where=where,
            remedy=f"add its option for that and, as a word of its own, {PORT}",
        )
    if MODEL in texts and not has_model:
        raise UserError(
            f"there is no model to put in the place of {MODEL}",
            where=where,
            remedy="set `model` beside it: a key of models, or the path of a file or folder",
        )
