"""The words of a novel that may be names, and what stands around them."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from xuxie.text.han import HAN, is_han
from xuxie.text.name_forms import SPEECH

_READ = 1_000_000
"""Characters that are read of a longer novel, in so many stretches spread evenly."""
_STRETCHES = 20
_LOOKED_AT = 300
"""Occurrences of a word whose surroundings are looked at."""


_RUN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True)
class Word:
    """A word of the novel: how often it occurs, and the characters before it, after it, and second after it, of some occurrences."""

    count: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    second: tuple[str, ...]

    def share_of_commonest(self, neighbours: tuple[str, ...]) -> float:
        """How often the same character stands beside it: near 1 it is but a part of a longer word."""
        counts = Counter(character for character in neighbours if is_han(character))
        return max(counts.values(), default=0) / len(neighbours)

    @property
    def speaks(self) -> float:
        """How often a word of speech stands behind it."""
        return sum(
            a in SPEECH or b in SPEECH for a, b in zip(self.after, self.second, strict=True)
        ) / len(self.after)

    @property
    def called(self) -> float:
        """How often it is a whole address, or begins one: “荸荠，…"""
        return sum(
            a in "“‘「『" and b in "，。！？…—"
            for a, b in zip(self.before, self.after, strict=True)
        ) / len(self.after)


def excerpt(novel: str) -> str:
    """A novel, or of a very long one stretches that are spread evenly over it."""
    if len(novel) <= _READ:
        return novel
    size, step = _READ // _STRETCHES, len(novel) // _STRETCHES
    return "\n".join(novel[start : start + size] for start in range(0, step * _STRETCHES, step))


def frequent_runs(text: str, fewest: int) -> Counter[str]:
    """Runs of two to four characters that occur so often."""
    found: Counter[str] = Counter()
    runs = _RUN.findall(text)
    known: set[str] = set()
    for size in (2, 3, 4):
        grams = (run[at : at + size] for run in runs for at in range(len(run) - size + 1))
        counted = Counter(
            gram for gram in grams if not known or gram[1:] in known and gram[:-1] in known
        )
        counted = Counter({gram: count for gram, count in counted.items() if count >= fewest})
        known = set(counted)
        found.update(counted)
    return found


def words_around(text: str, wanted: Iterable[str], counts: Counter[str]) -> dict[str, Word]:
    """The wanted words, each with what stands around some of its occurrences."""
    sides: dict[str, list[str]] = {word: [] for word in wanted}
    for size in (2, 3, 4):
        for at in range(1, len(text) - size - 1):
            found = sides.get(text[at : at + size])
            if found is not None and len(found) < _LOOKED_AT:
                found.append(text[at - 1] + text[at + size : at + size + 2])
    return {
        word: Word(counts[word], *(tuple(side) for side in zip(*found, strict=True)))
        for word, found in sides.items()
        if found
    }


def log_ratios(of_names: list[str], of_words: list[str]) -> dict[str, float]:
    """By character the log-likelihood ratio of standing beside a name rather than beside any word, smoothed and bounded."""
    names, words = Counter(of_names), Counter(of_words)
    whole, all_words = len(of_names) + 3, len(of_words) + len(words) + 1
    found = {}
    for character in names | words:
        expected = (words[character] + 1) / all_words
        ratio = math.log((names[character] + 3 * expected) / whole / expected)
        found[character] = max(-1.5, min(2.0, ratio))
    return found
