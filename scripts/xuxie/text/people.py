"""Who is in a novel: the names that it uses, found by how it uses them.

A name is formed in one of a few ways (family name first, a title or word of kinship behind, a given name alone), and it stands where people stand:
before words of speech and at the beginnings of sentences. What stands around a word is therefore held against what stands around
the surest names of the same novel, as a mean log-likelihood ratio over its occurrences; the surer its form, the less is asked of it.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import jieba

from xuxie.text.dictionary import entries, is_known_name
from xuxie.text.han import HAN
from xuxie.text.name_forms import (
    ENDS_OF_NAMES,
    FAMILY,
    FUNCTION,
    NUMBERS,
    ORDINARY,
    PLACES,
    ROLES,
    SHORT_TITLES,
    TITLES,
    TWO_CHARACTER_FAMILY,
)
from xuxie.text.surroundings import Word, excerpt, frequent_runs, log_ratios, words_around

_LONG = 150_000
"""Characters of a novel from which on a word must occur three times to be looked at, and not twice."""
_COUNTED_PERSONS = "人将贼子位公"
_DEGREES = "大自相"
_COUNTED = "".join(NUMBERS) + "个的么些认识写文汉血无帅"
_INTRODUCED = re.compile(
    rf"(?:[我他她]叫|名叫作?|名唤作?|唤作|小名唤?|乳名|外号|绰号|表字|姓[{HAN}]名)"
    rf"([{HAN}]{{2,3}}?)(?=[，。、；：！”])|(?<![{_COUNTED}])字([{HAN}]{{2}})(?=[，；。])"
)
"""Where the novel says how someone is called."""

_SURNAMED = re.compile(f"[我他她就也都，。人]姓([{''.join(FAMILY)}])(?=[，。、的名])")
_TITLED = re.compile("|".join(sorted(TITLES, key=len, reverse=True)))


@dataclass(frozen=True)
class People:
    """The people of a novel.

    Attributes:
        names: every name, and how often it occurs.
        families: the family names that they bear.
        singles: given names of one character, which stand before titles (环 in 环三爷).
    """

    names: dict[str, int]
    families: frozenset[str]
    singles: frozenset[str]


def learn_people(novel: str) -> People:
    """The people of a novel, from its text."""
    text = excerpt(novel)
    counts = frequent_runs(text, 2 if len(text) < _LONG else 3)
    words = words_around(text, (word for word in counts if _may_be_name(word)), counts)
    return _Search(text, counts, words).people()


class _Search:
    def __init__(self, text: str, counts: Counter[str], words: dict[str, Word]):
        self._text, self._counts, self._words = text, counts, words
        self._score = self._surroundings(self._seeds())

    def people(self) -> People:
        sure = {word for word in self._words if self._is_sure(word)}
        families = self._families(sure)
        names = {
            word
            for word in self._words
            if self._is_name(word, families) and not self._is_torn(word)
        }
        names |= {
            given
            for name in names
            if _family(name) in families - ORDINARY or is_known_name(name)
            for given in self._given(name)
            if self._stands_alone(given, name)
        }
        names |= {name for name in introduced(self._text) if not self._is_common(name)}
        names = {
            name
            for name in names
            if not self._is_extended(name, names) and not self._is_preceded(name, names, families)
        }
        names |= {
            family + name
            for family in {found.group(1) for found in _SURNAMED.finditer(self._text)}
            for name in names
            if 10 * self._counts[family + name] >= self._text.count(family)
        }
        bases = families | {
            character
            for name in names
            for character in (self._given(name)[0] if self._given(name) else name)[:1]
            if character not in NUMBERS | FUNCTION and character not in "大小老阿太请各众"
        }
        names |= self._titled(bases, names)
        # 贾环 is called 环儿, and 环三爷.
        singles = {name[-1] for name in names if _family(name) in families and len(name) == 2}
        singles -= FUNCTION | NUMBERS | SHORT_TITLES | set("大小老官儿")
        names |= {f"{one}儿" for one in singles if self._counts[f"{one}儿"] >= 3}
        return People(
            {name: self._counts[name] for name in names}, frozenset(families), frozenset(singles)
        )

    def _seeds(self) -> list[str]:
        """The surest names: before a title, or formed as a name and before words of speech."""
        found = [
            word
            for word, seen in self._words.items()
            if seen.count >= 3
            and not self._is_common(word)
            and (
                self._has_title(word)
                or is_full_name(word)
                and word[0] not in ORDINARY
                and seen.speaks >= 0.1
            )
        ]
        seeds = set(found)
        found = [
            word
            for word in found
            if not any(
                word[:size] in seeds and 2 * self._counts[word] < self._counts[word[:size]]
                for size in range(2, len(word))
            )
        ]
        return found or [
            word
            for word, seen in self._words.items()
            if seen.count >= 3 and len(word) > 2 and is_full_name(word) and word[0] not in ORDINARY
        ]

    def _surroundings(self, seeds: list[str]) -> dict[str, float]:
        """The mean log-likelihood ratio of what stands beside each word: a name of the novel, or any word of a dictionary."""
        text = self._text[:200_000]
        ends = [0]
        for token in jieba.cut(text, HMM=False):
            ends.append(ends[-1] + len(token))
        inner = [(a, b) for a, b in pairwise(ends) if b - a > 1 and a and b < len(text)]
        before = log_ratios(
            [side for seed in seeds for side in self._words[seed].before],
            [text[start - 1] for start, _ in inner],
        )
        after = log_ratios(
            [side for seed in seeds for side in self._words[seed].after],
            [text[end] for _, end in inner],
        )
        self._after = after
        return {
            word: sum(
                before.get(a, 0) + after.get(b, 0)
                for a, b in zip(seen.before, seen.after, strict=True)
            )
            / len(seen.after)
            + 2 * seen.called
            for word, seen in self._words.items()
        }

    def _is_sure(self, word: str) -> bool:
        return (
            self._counts[word] >= 3
            and not self._is_common(word)
            and not self._is_torn(word)
            and (self._has_title(word) or is_full_name(word) and self._score[word] >= 0.5)
        )

    def _families(self, sure: set[str]) -> set[str]:
        """The family names that the novel uses as such: a good part of their occurrences begins a sure name."""
        begun: dict[str, list[int]] = {}
        for word in sure:
            begun.setdefault(_family(word), []).append(self._counts[word])
        # Where people are called by their given name alone (邓艾 is 艾), it begins what looks like names.
        ended: Counter[str] = Counter()
        for word in sure:
            ended[word[-1]] += self._counts[word] if len(word) == 2 else 0
        called = {found.group(1) for found in _SURNAMED.finditer(self._text)} - ORDINARY
        return called | {
            family
            for family, counts in begun.items()
            if sum(counts)
            >= (0.1 if len(counts) > 2 and family not in ORDINARY else 0.3)
            * self._text.count(family)
            and sum(counts) >= ended[family]
        }

    def _is_name(self, word: str, families: set[str]) -> bool:
        if self._is_common(word) or word in ROLES | TWO_CHARACTER_FAMILY:
            return False
        long = len(word) > 2 and _family(word) in families - ORDINARY and word[1] != "家"
        if word[-1] in PLACES and not long:
            return False
        score, count = self._score[word], self._counts[word]
        if self._has_title(word):
            return True
        tag, frequency = entries().get(word, ("", 0))
        known = tag.startswith("nr")
        speaks = self._words[word].speaks
        plain = _family(word) in families - ORDINARY and count >= 20 and score >= 0.5
        if tag and not known and frequency >= 20 and speaks < 0.03 and not plain:
            return False
        if word[-1] in FUNCTION and (_family(word) not in families or score < 0.3):
            return False
        if is_full_name(word):
            ordinary = _family(word) in ORDINARY
            if _family(word) in families or known and len(word) > 2 and not ordinary:
                least = -0.7 if len(word) == 2 else -1.6
                return score >= least + (1.2 if ordinary else 0)
            if ordinary:
                used = known or count >= 20 or speaks >= 0.1 or score >= 2 and len(word) == 2
                return count >= 3 and score >= 1.0 and used and word[-1] not in _DEGREES
            return count >= 3 and score >= 0.5 and word[-1] not in _DEGREES
        if word[0] in FAMILY and len(word) > 3 or set(word) & NUMBERS or word[-1] in _DEGREES:
            return False
        often = max(5, len(self._text) / 100_000)
        return count >= often and score >= (0.6 if word[0] in "老小阿" else 0.8)

    def _is_torn(self, word: str) -> bool:
        """A part of a longer word, or a word and what stood beside it by chance."""
        seen = self._words[word]
        if seen.share_of_commonest(seen.after) > 0.85:
            return True
        if word[-1] in NUMBERS and sum(a in _COUNTED_PERSONS for a in seen.after) > 0.3 * len(
            seen.after
        ):
            return True
        if seen.count > 3 and seen.share_of_commonest(seen.before) > 0.6:
            return True
        for size in range(2, len(word)):
            head, tail = word[:size], word[size:]
            if (
                head in self._words
                and head not in TWO_CHARACTER_FAMILY
                and self._counts[head] > 2 * seen.count
                and tail != "儿"
            ):
                return True
            head, tail = word[:-size], word[-size:]
            if (
                tail in self._words
                and self._counts[tail] > 2 * seen.count
                and head not in (FAMILY - ORDINARY) | TWO_CHARACTER_FAMILY
            ):
                return True
        return False

    def _is_extended(self, name: str, names: set[str]) -> bool:
        """Two names that stood side by side, or a name and the beginning of what followed."""
        return any(
            name[:size] in names
            and (name[size:] in names or name[size:] != "儿" and not _TITLED.fullmatch(name[size:]))
            and self._counts[name[:size]] > self._counts[name]
            for size in range(2, len(name))
        )

    def _is_preceded(self, name: str, names: set[str], families: set[str]) -> bool:
        """A name and the character before it, which is no family name here."""
        rest = name[1:]
        return (
            name[0] not in families
            and rest in names
            and self._counts[rest] > 2 * self._counts[name]
        )

    def _has_title(self, word: str) -> bool:
        """Family name and title, more often than chance would have them side by side."""
        family = _family(word)
        title = word[len(family) :]
        return bool(family) and title in TITLES and self._together(family, title) > 20

    def _given(self, name: str) -> list[str]:
        rest = name[len(_family(name)) :]
        return [rest] if _family(name) and len(rest) == 2 and rest not in ROLES else []

    def _stands_alone(self, given: str, name: str) -> bool:
        return (
            given in self._words
            and self._counts[given] >= self._counts[name] + 2
            and not self._is_common(given)
            and not set(given) & (FUNCTION | NUMBERS)
            and given[-1] not in PLACES
            and (
                given not in entries() or is_known_name(given) or self._words[given].speaks >= 0.03
            )
        )

    def _titled(self, bases: set[str], names: set[str]) -> set[str]:
        """What bears a title: 王夫人, 宝姑娘, 大橹婶."""
        found = set()
        for place in _TITLED.finditer(self._text):
            for size in (1, 2):
                # 天水太守 is no 水太守.
                if self._text[place.start() - 2 : place.start()] in entries() and size == 1:
                    continue
                base = self._text[place.start() - size : place.start()]
                if base in bases or base in names:
                    found.add(base + place.group())
        return {
            name
            for name in found
            if name[:2] in names
            or self._counts[name] >= 2
            and self._together(name[:1], name[1:]) > (20 if name[0] in ORDINARY else 5)
        }

    def _together(self, head: str, tail: str) -> float:
        """How many times oftener a word stands before another than chance would have it."""
        if not self._counts[tail]:
            return 0.0
        expected = self._text.count(head) / len(self._text)
        return self._counts[head + tail] / self._counts[tail] / expected

    def _is_common(self, word: str) -> bool:
        """A word of the dictionary, none of its names, that the novel uses no more than others do."""
        tag, frequency = entries().get(word, ("", 0))
        if not tag or tag.startswith("nr") or frequency < 20:
            return False
        if tag[0] in "vdcprfut" or word[-1] == "人":
            return True
        if self._counts[word] < 10:
            return True
        keen = 10 if word in self._words and self._words[word].speaks >= 0.1 else 30
        return self._counts[word] / len(self._text) < keen * frequency / 6e7


def introduced(text: str) -> dict[str, int]:
    """The names that a text gives people in so many words (我叫荸荠; 字德润), and where each one first stands after such words."""
    found: dict[str, int] = {}
    for place in _INTRODUCED.finditer(text):
        name = place.group(1) or place.group(2)
        if _may_be_name(name) and name[-1] not in PLACES:
            found.setdefault(name, place.end() - len(name))
    return found


def _may_be_name(word: str) -> bool:
    strange = word[:-1] if word[0] in FAMILY - ORDINARY and word[-1] in ENDS_OF_NAMES else word
    return (
        word not in ROLES
        and word[0] not in "人众"
        and not (len(word) > 2 and word[:2] in ROLES)
        and not (word[-1] == "人" and (word[-2] in NUMBERS or word[0] in FAMILY))
        and not set(strange) & FUNCTION
        and len(set(word)) > 1
    )


def _family(word: str) -> str:
    if word[:2] in TWO_CHARACTER_FAMILY:
        return word[:2]
    return word[:1] if word[:1] in FAMILY else ""


def is_full_name(word: str) -> bool:
    """Family name, and one or two characters."""
    family = _family(word)
    return bool(family) and 1 <= len(word) - len(family) <= 2
