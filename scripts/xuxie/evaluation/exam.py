"""The exam that a metric sits before it may speak: can it tell the author's own passages from corrupted ones?

Its certificate is an AUC: how often the metric thinks worse of a corrupted passage than of a true one, 1 always, 0.5 by chance. All
passages have one length, since most metrics of a text change with it. What a metric is meant for is declared here, before anything
is measured; what it tells beyond that is shown, and decides nothing.
"""

import random
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from xuxie.evaluation import corruptions
from xuxie.evaluation.contexts import last
from xuxie.evaluation.intervals import FEWEST_CHAPTERS, interval_of_auc, interval_of_share
from xuxie.files.novel_text import Chapter
from xuxie.sampling.spread import evenly_spread
from xuxie.text.names import NameFinder
from xuxie.text.sentences import bounds

MEANT_FOR = {
    "bits": ("out_of_place",),
    "seq_rep_4": ("looping",),
    "distinct_2": ("looping",),
    "longest_repeat": ("looping",),
    "copied_30": ("recited",),
    "longest_copy": ("recited",),
    "new_names": ("names_invented",),
    "invented_names": ("names_invented",),
    "style_delta": ("foreign", "base"),
}
"""The corruptions that each metric must tell, all of them. Other figures of the report describe a text and claim nothing of its
worth: its length, and how it ended, which nobody can foresee, since a completion of the author's ends wherever it was cut."""

TRUE = "true"
"""The passages as they stand, beside the corrupted ones."""

FEWEST_PASSAGES = 8
"""An AUC of fewer says nothing."""

Values = dict[str, dict[str, list[float | None]]]
"""By metric and version of the passages a value each; None where none could be measured."""

OUT_OF_PLACE = "out_of_place"
"""A true passage after the text of another chapter: what a reader is worth that does not know the story so far."""

PARAPHRASE = "paraphrase"
"""A passage in plain words, which no rule of ours can do: an LLM writes it, where the config names one (`xuxie.evaluation.paraphrases`)."""

READ = ("shuffled", "joined", "names_swapped", "looping", PARAPHRASE)
"""The corruptions that bits per character are tried on as well, which costs time. They decide nothing: a verdict compares readers of
one true text, not texts, and of texts a loop is the one most easily foreseen."""

_LESS_IS_WORSE = {"distinct_2"}
_IN_PLACE = {"bits"}
"""Metrics by which both sides of a comparison measure the same passage, after the same context: they are examined in the same way."""

_CONTEXT = 500
_SHORTEST = 0.8


@dataclass(frozen=True)
class Passage:
    """Some whole sentences of a held-out chapter.

    Attributes:
        chapter: novel and number.
        context: the text before it in its chapter, some sentences of it.
    """

    chapter: Chapter
    context: str
    text: str


@dataclass(frozen=True)
class Materials:
    """What corruptions need beside the passage.

    Attributes:
        novel: all text of the author's.
        training: the text that was trained on.
        foreign: another author's; empty if there is none.
        names: what finds names; None in a language in which none are looked for.
    """

    novel: str
    training: str
    foreign: str
    names: NameFinder | None


def cut_passages(chapters: dict[Chapter, str], *, chars: int, count: int) -> list[Passage]:
    """Passages of 80 to 100 % of `chars` characters, at most about `count`, as many of each held-out chapter as it has.

    Args:
        chapters: the text of each held-out chapter.
    """
    each = max(1, count // len(chapters))
    return [
        passage
        for chapter, text in chapters.items()
        for passage in evenly_spread(list(_tiled(chapter, text, chars)), each)
    ]


def corrupted(
    passages: Sequence[Passage], materials: Materials, *, seed: int
) -> dict[str, list[str | None]]:
    """By corruption each passage's corrupted version, None where the passage has nothing to be corrupted."""
    found: dict[str, list[str | None]] = {}
    cast = sorted(materials.names.learnt) if materials.names else []
    for number, passage in enumerate(passages):
        text, size = passage.text, len(passage.text)
        draw = random.Random(f"{seed} {number}")
        elsewhere = [other.text for other in passages if other.chapter != passage.chapter]
        other = draw.choice(elsewhere) if elsewhere else None
        names = materials.names.names(text) if materials.names else []
        versions = {
            "shuffled": corruptions.shuffled(text, draw),
            "joined": other and corruptions.joined(text, other),
            "elsewhere": other and other[:size],
            "names_swapped": corruptions.names_swapped(text, names, cast, draw),
            "names_invented": corruptions.names_invented(text, names, materials.novel, draw),
            "looping": corruptions.looping(text, draw),
            "recited": corruptions.excerpt(materials.training, size, draw),
            "foreign": corruptions.excerpt(materials.foreign, size, draw),
            "modern": corruptions.modern(text),
            "cut_off": corruptions.cut_off(text),
        }
        for name, version in versions.items():
            found.setdefault(name, []).append(version)
    return found


def grade(values: Values, chapters: Sequence[Hashable], *, bound: float) -> dict[str, dict]:
    """Each metric's certificate, from what it made of every version of every passage; see `areas` and `certify`."""
    return {
        metric: certify(metric, auc, bound=bound) for metric, auc in areas(values, chapters).items()
    }


def areas(values: Values, chapters: Sequence[Hashable]) -> dict[str, dict[str, dict]]:
    """By metric and corruption the AUC, with its interval over chapters and how many `passages` it rests on.

    Args:
        values: by metric and version of the passages (`TRUE`, or a corruption) one value per passage; None where it was not measured.
        chapters: the chapter of each passage.
    """
    return {
        metric: {
            name: found
            for name, measured in versions.items()
            if name != TRUE and (found := _auc(metric, versions[TRUE], measured, chapters))
        }
        for metric, versions in values.items()
    }


def certify(metric: str, auc: dict[str, dict], *, bound: float) -> dict:
    """What a metric may do after its exam.

    Args:
        auc: by corruption.
        bound: the AUC from which a metric may carry a verdict.

    Returns:
        `meant_for`, `auc`, `worst` (of the corruptions it is meant for, the one that it tells least), and `fit`: whether it tells
        them all; null where none could be tried on enough passages of enough chapters.
    """
    tried = {
        name: auc[name]
        for name in MEANT_FOR[metric]
        if name in auc
        and auc[name]["chapters"] >= FEWEST_CHAPTERS
        and auc[name]["passages"] >= FEWEST_PASSAGES
    }
    worst = min(tried, key=lambda name: tried[name]["value"], default=None)
    return {
        "meant_for": list(MEANT_FOR[metric]),
        "auc": auc,
        "worst": worst,
        "fit": None if worst is None else tried[worst]["value"] >= bound,
    }


def _tiled(chapter: Chapter, text: str, chars: int) -> Iterator[Passage]:
    """The chapter's passages, one after the other; its heading is not one of them."""
    at = 0
    for start in bounds(text, 0, len(text))[1:]:
        if start >= at:
            ends = bounds(text, start, min(len(text), start + chars + 1))
            end = max((edge for edge in ends if edge <= start + chars), default=start)
            if end - start >= _SHORTEST * chars:
                yield Passage(chapter, last(text[:start], _CONTEXT), text[start:end])
                at = end


def _auc(
    metric: str,
    true: Sequence[float | None],
    false: Sequence[float | None],
    chapters: Sequence[Hashable],
) -> dict | None:
    """How often the false ones are thought worse of; None where none were measured."""
    sign = -1 if metric in _LESS_IS_WORSE else 1
    both = [
        (sign * good, sign * bad, chapter)
        for good, bad, chapter in zip(true, false, chapters, strict=True)
        if good is not None and bad is not None
    ]
    if not both:
        return None
    good, bad, where = zip(*both, strict=True)
    if metric in _IN_PLACE:
        told = [(b > g) + (b == g) / 2 for g, b in zip(good, bad, strict=True)]
        found = interval_of_share(told, [1] * len(told), where)
    else:
        found = interval_of_auc(good, bad, where)
    return {**found, "passages": len(both)}
