"""What is asked: about which chunks, and for which pairs in each.

Every draw depends on the chunk's own text alone, so that an edit elsewhere in the novel changes no question.
"""

import hashlib
import logging
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xuxie.pairs.spans import (
    Cut,
    LengthClass,
    Sentences,
    between_paragraphs,
    cuts,
    settled,
    spread,
)
from xuxie.text.chunks import Cost
from xuxie.text.tokens import token_cost

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is asked of one chunk: its sentences and, for each pair, the length class and the cuts that suit it."""

    chunk: dict
    sentences: Sentences
    slots: list[tuple[LengthClass, list[Cut]]]


def plan_chunk(
    chunk: dict,
    lengths: list[LengthClass],
    *,
    per_chunk: int,
    seed: int,
    cost: Cost | None = None,
    settle: bool = False,
) -> Plan:
    """Draw a length class for each pair of a chunk, by share, among those that fit in it.

    Cuts between paragraphs come before cuts within one. A chunk in which no class fits gets a plan without slots.

    Args:
        cost: counts tokens; needed if a class has a bound in tokens.
        settle: each cut keeps one prompt and one completion (see `settled`), so that only the cut is left to choose.
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
    # Each pair of a class gets a stretch of the chunk to itself: left free, small models choose the first sentences every time.
    stretches = {
        length: spread(possible[length], drawn.count(length), whole_scenes=length.whole_scene)
        for length in drawn
    }
    slots = [
        (length, between_paragraphs(stretches[length].pop(0), sentences))
        for length in drawn
        if stretches[length]
    ]
    if settle:
        slots = [
            (length, [settled(cut, sentences) for cut in options]) for length, options in slots
        ]
    return Plan(chunk, sentences, slots)


def plan_chunks(chunks: list[dict], asking: dict, tokenizer: str | None) -> Iterator[Plan]:
    """Plan chunk after chunk.

    Args:
        asking: the settings of `pairs` that shape a question: `lengths`, `per_chunk`, `seed` and `mode`.
        tokenizer: the config of the model that bounds in tokens are counted with, if there are any.
    """
    classes = [LengthClass.from_settings(length) for length in asking["lengths"]]
    cost = token_cost(tokenizer) if tokenizer else None
    return (
        plan_chunk(
            chunk,
            classes,
            per_chunk=asking["per_chunk"],
            seed=asking["seed"],
            cost=cost,
            settle=asking["mode"] == "cut",
        )
        for chunk in chunks
    )


def with_slots(plans: Iterable[Plan]) -> list[Plan]:
    """The plans of chunks that hold a pair of some length class; the log says how many do not."""
    every = list(plans)
    asked = [plan for plan in every if plan.slots]
    if len(asked) < len(every):
        logger.warning(
            "%d of %d chunks hold a pair of no length class and are not asked about",
            len(every) - len(asked),
            len(every),
        )
    return asked


def asked_and_not(
    chunks: list[dict], asking: dict, tokenizer: str | None
) -> tuple[list[Plan], list[dict]]:
    """The plans of the chunks that are asked about, and a row for each of the others: `chunk`, `chapter` and `because`."""
    taken = asked_chunks(chunks, per_chapter=asking["chunks_per_chapter"], seed=asking["seed"])
    plans = list(plan_chunks(taken, asking, tokenizer))
    because = dict.fromkeys((chunk["id"] for chunk in chunks), "beyond chunks_per_chapter")
    because |= {plan.chunk["id"]: None if plan.slots else "no length class fits" for plan in plans}
    not_asked = [
        {"chunk": chunk["id"], "chapter": chunk["chapter"], "because": because[chunk["id"]]}
        for chunk in chunks
        if because[chunk["id"]]
    ]
    return [plan for plan in plans if plan.slots], not_asked


def asked_chunks(chunks: list[dict], *, per_chapter: int | None, seed: int) -> list[dict]:
    """The chunks that are asked about: all, or a fixed number of each chapter."""
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
