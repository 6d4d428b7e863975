"""What is asked: about which chunks, and for which pairs of each.

Every draw hangs on the chunk's own text, so that an edit elsewhere in the novel changes no question.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from xuxie.pairs.spans import Cut, LengthClass, Sentences, cuts, spread
from xuxie.text.chunks import Cost
from xuxie.text.tokens import token_cost


@dataclass(frozen=True)
class Plan:
    """What is asked of one chunk: its sentences and, a pair, the length class and the cuts that suit it."""

    chunk: dict
    sentences: Sentences
    slots: list[tuple[LengthClass, list[Cut]]]


def plan_chunk(
    chunk: dict, lengths: list[LengthClass], *, per_chunk: int, seed: int, cost: Cost | None = None
) -> Plan:
    """Draw a length class for each pair of a chunk, by share, among those that fit in it.

    A chunk in which no class fits gets a plan without slots.

    Args:
        cost: counts tokens; needed if a class has a bound in tokens.
    """
    sentences = Sentences.of(chunk["text"], cost)
    possible = {
        length: options
        for length in lengths
        if length.share > 0 and (options := cuts(sentences, length))
    }
    if not possible:
        return Plan(chunk, sentences, [])
    drawn = text_random(chunk["text"], seed).choices(
        list(possible), [length.share for length in possible], k=per_chunk
    )
    # Each pair of a class gets a stretch of the chunk of its own: left free, small models choose the first sentences every time.
    stretches = {
        length: spread(possible[length], drawn.count(length), whole_scenes=length.whole_scene)
        for length in drawn
    }
    return Plan(
        chunk,
        sentences,
        [(length, stretches[length].pop(0)) for length in drawn if stretches[length]],
    )


def plan_chunks(
    chunks: list[dict], lengths: list[dict], *, per_chunk: int, seed: int, tokenizer: str | None
) -> Iterator[Plan]:
    """Plan chunk after chunk.

    Args:
        lengths: the recipe's length classes, as in the config.
        tokenizer: the config of the model that bounds in tokens are counted with, if there are any.
    """
    classes = [LengthClass.from_settings(length) for length in lengths]
    cost = token_cost(tokenizer) if tokenizer else None
    return (
        plan_chunk(chunk, classes, per_chunk=per_chunk, seed=seed, cost=cost) for chunk in chunks
    )


def asked_chunks(chunks: list[dict], *, per_chapter: int | None, seed: int) -> list[dict]:
    """The chunks that are asked about: all, or so many of each chapter."""
    if per_chapter is None:
        return chunks
    by_chapter: dict[int, list[dict]] = {}
    for chunk in chunks:
        by_chapter.setdefault(chunk["chapter"], []).append(chunk)
    chosen = {
        chunk["id"]
        for group in by_chapter.values()
        for chunk in sorted(group, key=lambda chunk: text_random(chunk["text"], seed).random())[
            :per_chapter
        ]
    }
    return [chunk for chunk in chunks if chunk["id"] in chosen]


def text_random(text: str, seed: int) -> random.Random:
    """A generator seeded by a text and the recipe's seed, the same on every machine."""
    return random.Random(hashlib.sha256(f"{seed}\n{text}".encode()).digest())
