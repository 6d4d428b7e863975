"""Names of people in a text, and those that the novel does not know.

The names that the novel uses are learnt from all of it (`xuxie.text.people`), and found wherever they stand, alone or before a title. Of names
that it does not use there is nothing to go by but their form, family name first, and that jieba takes them for words of their own that its
dictionary lacks, or has as names. That errs on human text as well: the figure is given for the true continuation too, against the same text.
"""

import logging
import re
from collections.abc import Iterable, Iterator

import jieba

from xuxie.text.dictionary import is_common, is_known, is_known_name, is_verb
from xuxie.text.han import is_han
from xuxie.text.name_forms import (
    COMMON_FAMILIES,
    FUNCTION,
    NUMBERS,
    ORDINARY,
    PLACES,
    ROLES,
    SHORT_TITLES,
    TITLES,
    TWO_CHARACTER_FAMILY,
)
from xuxie.text.people import introduced, is_full_name, learn_people

_LEFT_ALONE = COMMON_FAMILIES - ORDINARY | TWO_CHARACTER_FAMILY - frozenset(
    "东方 百里 第五 西门 单于 司空 司徒".split()
)
"""Family names that jieba may leave by themselves, and that are no common words."""

jieba.setLogLevel(logging.WARNING)


class NameFinder:
    """Finds names of people in Chinese text.

    Args:
        novel: the whole novel, whose names are learnt.

    Attributes:
        learnt: the names that the novel uses three times or more.
    """

    def __init__(self, novel: str):
        people = learn_people(novel)
        self.learnt = {name for name, count in people.names.items() if count >= 3}
        self._families = people.families - ORDINARY
        self._known = _pattern(people.names, people.families, people.singles)

    def names(self, text: str) -> list[tuple[int, str]]:
        """(offset, name) of each name in the text, in order."""
        found = {place.start(): place.group() for place in self._known.finditer(text)}
        taken = {at for start, name in found.items() for at in range(start, start + len(name))}
        for start, name in [
            *((at, name) for name, at in introduced(text).items()),
            *self._strange(text),
        ]:
            here = range(start, start + len(name))
            if taken.isdisjoint(here):
                found[start] = name
                taken.update(here)
        return sorted(found.items())

    def unknown(self, text: str, known: str) -> list[tuple[int, str]]:
        """Those names of the text that do not occur in `known`."""
        return [(offset, name) for offset, name in self.names(text) if name not in known]

    def _strange(self, text: str) -> Iterator[tuple[int, str]]:
        """What is formed as a full name, and stands in a text as a word that the dictionary does not have, or has as a name."""
        at, family = 0, ""
        for word in jieba.cut(text):
            # jieba often leaves a family name by itself.
            if (
                family
                and len(word) <= 2
                and not is_common(word)
                and _may_be_full_name(family + word)
            ):
                yield at - len(family), family + word
                family = ""
            elif _may_be_full_name(word) and (
                len(word) > 2 or word[0] in self._families and not is_known(word)
            ):
                yield at, word
                family = ""
            else:
                family = word if word in _LEFT_ALONE else ""
            at += len(word)


def _pattern(
    names: Iterable[str], families: Iterable[str], singles: Iterable[str]
) -> re.Pattern[str]:
    """A novel's names, the longest first, each with a title behind it or not."""

    def one_of(words: Iterable[str]) -> str:
        return (
            "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word)))) or "(?!)"
        )

    kin = [
        title
        for title in TITLES
        if title[0] in "大二三四" or title in ("哥儿", "姐儿", "叔叔", "小子", "姑娘", "丫头")
    ]
    return re.compile(
        rf"(?:{one_of(names)})(?:[{''.join(SHORT_TITLES)}])?(?![{''.join(SHORT_TITLES)}])"
        rf"|(?:{one_of(names)})"
        rf"|(?:{one_of(singles)})(?:{one_of(kin)})"
        rf"|(?:{one_of(families)})氏"
    )


def _may_be_full_name(word: str) -> bool:
    return (
        is_han(word)
        and is_full_name(word)
        and word[0] not in ORDINARY
        and (len(word) == 2 or word[0] in COMMON_FAMILIES or word[:2] in TWO_CHARACTER_FAMILY)
        and word[1:] not in ROLES
        and not set(word) & (FUNCTION | NUMBERS)
        and word[-1] not in PLACES - set("国江山")
        and not is_common(word)
        and (word[:2] in TWO_CHARACTER_FAMILY or not is_common(word[:2]))
        and not (is_verb(word[1:]) and (is_known(word[:2]) or not is_known_name(word)))
    )


def mostly_chinese(texts: Iterable[str]) -> bool:
    """Whether most letters are Chinese characters; names are looked for in no other text."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return bool(letters) and sum(map(is_han, letters)) * 2 > len(letters)
