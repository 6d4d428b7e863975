"""Passages with continuations for a reader who must not know who wrote which."""

import hashlib
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xuxie.sampling.authors import BASE, HUMAN, TUNED, as_configured
from xuxie.sampling.spread import evenly_spread
from xuxie.text.sentences import complete_sentences

SHORTEST = 40
"""A continuation of fewer characters, after all are cut to one length, is nothing to judge by."""

LONGEST = 800
"""Characters of each that a reader is shown: of two or three longer ones nobody reads the ends."""


@dataclass(frozen=True)
class Item:
    """One passage and what was written after it, in the order in which a reader sees it.

    Attributes:
        id: says nothing about who wrote what, to anyone who does not have the samples.
        adapter: the adapter whose samples these are.
        sample: the row of samples.jsonl.
        systems: who wrote each option.
        options: the continuations, cut to about one length at the end of a sentence.
    """

    id: str
    adapter: str
    sample: dict
    systems: tuple[str, ...]
    options: tuple[str, ...]

    @property
    def passage(self) -> tuple[str, str]:
        """What is continued, whoever continues it."""
        return self.sample["novel"], self.sample["prompt"]["input"]


def make_items(samples: Mapping[str, Sequence[dict]], *, passages: int, seed: int) -> list[Item]:
    """Items in reading order: no passage comes twice in a row, nor again before all others came.

    The author and the tuned model are compared with the base model, and then with each rival.

    Args:
        samples: the rows of each adapter's samples.jsonl, by the adapter's name.
        passages: at most so many passages of each adapter, spread evenly.
        seed: decides on the order, together with the texts.

    Returns:
        the items; a passage that leaves fewer than two texts long enough to judge by has none.
    """
    found = []
    for adapter, rows in samples.items():
        for row in evenly_spread(rows, passages):
            for others in _contests(row):
                item = _item(adapter, row, others, seed)
                if item is not None:
                    found.append(item)
    return _in_rounds(found, random.Random(seed))


def cut_to_one_length(texts: Sequence[str]) -> list[str]:
    """The texts up to the last sentence that ends within the length of the shortest, and within `LONGEST`, so that length tells nothing."""
    shortest = min(LONGEST, *map(len, texts))
    return [complete_sentences(text, shortest) for text in texts]


def _contests(row: dict) -> Iterable[tuple[str, ...]]:
    """Who is set beside the author: tuned and base, then tuned and each of the rivals."""
    outputs = row["outputs"]
    written = [name for name in as_configured(outputs) if outputs[name] is not None]
    first = tuple(name for name in (TUNED, BASE) if name in written)
    if first:
        yield first
    for rival in written:
        if rival not in (TUNED, BASE):
            yield tuple(name for name in (TUNED, rival) if name in written)


def _item(adapter: str, row: dict, others: tuple[str, ...], seed: int) -> Item | None:
    texts = {HUMAN: row["reference"].strip()}
    texts |= {name: row["outputs"][name]["text"].strip() for name in others}
    texts = {name: text for name, text in texts.items() if len(text) >= SHORTEST}
    if len(texts) < 2:
        return None
    cut = dict(zip(texts, cut_to_one_length(list(texts.values())), strict=True))
    options = [(name, text) for name, text in cut.items() if len(text) >= SHORTEST]
    if len(options) < 2:
        return None
    # The whole row, with the seconds that it took, is known to nobody who has the page alone.
    content = json.dumps([seed, adapter, row, others], ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    random.Random(digest).shuffle(options)
    systems, shown = zip(*options, strict=True)
    return Item(digest[:16], adapter, row, systems, shown)


def _in_rounds(items: list[Item], draw: random.Random) -> list[Item]:
    """Every passage once, then those that have a second item, and so on; each round in an order of its own."""
    by_passage: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        by_passage.setdefault(item.passage, []).append(item)
    ordered: list[Item] = []
    while waiting := [queue for queue in by_passage.values() if queue]:
        draw.shuffle(waiting)
        if ordered and len(waiting) > 1 and waiting[0][0].passage == ordered[-1].passage:
            waiting.append(waiting.pop(0))
        if ordered and waiting[0][0].passage == ordered[-1].passage:
            # Nothing else is left to show in between.
            break
        ordered += [queue.pop(0) for queue in waiting]
    return ordered
