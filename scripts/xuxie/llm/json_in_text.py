"""The JSON object that a model's text holds, among reasoning and other words, whole or mended."""

import itertools
import json
import re
from collections.abc import Iterator

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_REPAIRS = 16  # places at which a broken object is looked for
# Brackets open at once: what is deeper is no answer, and mending it takes seconds a try.
_DEEPEST = 32


def object_in(text: str, names: set[str]) -> dict | None:
    """The last JSON object in a text that has one of these names; mended, if there is none that is whole."""
    for places in (_objects, _mended):
        found = [value for value in places(text) if names & value.keys()]
        if found:
            return found[-1] if places is _objects else found[0]
    return next(_objects(text), None)


def _objects(text: str) -> Iterator[dict]:
    """The JSON objects in a text, from left to right."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        try:
            value, end = decoder.raw_decode(text, place)
            yield value
        except (ValueError, RecursionError):
            end = place + 1
        place = text.find("{", end)


def _mended(text: str) -> Iterator[dict]:
    """What can be made of broken objects."""
    import json_repair  # memory that most jobs never need

    fenced = _FENCE.findall(text)
    places = [match.start() for match in re.finditer(r"\{", text)][:_REPAIRS]
    for broken in [*fenced, *(text[place:] for place in places)]:
        if _depth(broken) > _DEEPEST:
            continue
        try:
            value = json_repair.loads(broken)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _depth(text: str) -> int:
    """The most brackets that are open at once."""
    steps = (1 if match[0] in "{[" else -1 for match in re.finditer(r"[][{}]", text))
    return max(itertools.accumulate(steps), default=0)
