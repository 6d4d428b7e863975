"""Who and where: the people and places that a novel names again and again, and which of them a passage mentions."""

import re
from collections.abc import Sequence

from xuxie.text.names import NameFinder, mostly_chinese
from xuxie.text.places import places_of

LEARNT_FROM = 200_000
"""Characters of a novel that its cast is learnt from."""

Mentions = list[tuple[int, str]]
"""(offset, name) of each, in order."""


class Cast:
    """The people and places of a novel.

    Args:
        people, places: their names.
    """

    def __init__(self, people: Sequence[str], places: Sequence[str]):
        self.names = {"people": list(people), "places": list(places)}
        self._people, self._places = _any_of(people), _any_of(places)

    @classmethod
    def learnt_from(cls, text: str) -> "Cast":
        """The cast of a text; nobody is looked for in one that is not Chinese."""
        beginning = text[:LEARNT_FROM]
        if not mostly_chinese([beginning]):
            return cls([], [])
        return cls(sorted(NameFinder(beginning).learnt), places_of(beginning))

    def people(self, text: str) -> Mentions:
        """The people that a text mentions."""
        return _found(self._people, text)

    def places(self, text: str) -> Mentions:
        """The places that a text mentions."""
        return _found(self._places, text)


def _any_of(names: Sequence[str]) -> re.Pattern:
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _found(pattern: re.Pattern, text: str) -> Mentions:
    return [(match.start(), match.group()) for match in pattern.finditer(text)]
