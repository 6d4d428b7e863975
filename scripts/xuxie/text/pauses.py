"""Where a reader would pause: how strong the break between two sentences is."""

import re
from enum import IntEnum

_CLOSED_SPEECH = re.compile(r"[”」』\"’]\s*\Z")
# An empty line, or a line of ornaments alone, at the end of a sentence's white space or as a sentence of its own.
_SCENE_END = re.compile(r"\n[^\S\n]*\n\s*\Z|\A[^\w\n“‘「『（(《]+\n\s*\Z")
_LOOKED_AT = 100


class Pause(IntEnum):
    """What may end with a sentence, from the weakest break to the strongest."""

    SENTENCE = 0
    SPEECH = 1
    PARAGRAPH = 2
    SCENE = 3


def pause_after(text: str, start: int, end: int) -> Pause:
    """The break after the sentence `text[start:end]`, which holds the white space behind it."""
    tail = text[max(start, end - _LOOKED_AT) : end]
    if _SCENE_END.search(tail):
        return Pause.SCENE
    if "\n" in tail[len(tail.rstrip()) :]:
        return Pause.PARAGRAPH
    return Pause.SPEECH if _CLOSED_SPEECH.search(tail) else Pause.SENTENCE
