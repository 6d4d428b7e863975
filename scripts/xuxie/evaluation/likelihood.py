"""Held-out bits per character: how well a model foresees the author's true continuation.

    bits per character = −log₂ p(continuation | context) / characters of the continuation

It does not depend on the tokenizer, so models of different families compare. The token that ends an
answer is left out, since a bare text has none.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xuxie.evaluation.contexts import Plan, Reading
from xuxie.evaluation.intervals import (
    detectable,
    interval_of_mean,
    interval_of_ratio,
    verdict,
)
from xuxie.evaluation.lengths import bounds_of_quarters
from xuxie.evaluation.quarters import Against, Amounts, followed
from xuxie.models.shared_prefixes import shared_prefix_nll
from xuxie.prompts.prompting import Prompting

POSITIONS = ((0, 100), (100, 300), (300, 1000), (1000, 3000), (3000, 10_000), (10_000, 30_000))
"""Stretches of a continuation, in characters from its start."""

Bits = list[tuple[int, float]]
"""(character offset in a continuation, bits) of each of its tokens."""


@dataclass(frozen=True)
class Side:
    """What a model makes of a plan, in the format that suits it better.

    Attributes:
        format: the chosen one.
        formats: bits per character of the trial, by format.
        whole, mismatched, ladder, stretches: for each reading of the plan's part of that name its `Bits`.
    """

    format: str
    formats: dict[str, float]
    whole: list[Bits]
    mismatched: list[Bits]
    ladder: dict[int, list[Bits]]
    stretches: list[Bits]


def read_plan(
    model,
    formats: dict[str, Prompting],
    plan: Plan,
    template_row: dict,
    *,
    system: str | None = None,
) -> Side:
    """Read everything under one model.

    A base model that never saw the chat template looks worse in it than it is, and the comparison would credit the
    adapter with having learnt the template. So each side has the format that does better on a trial: the ladder's rows
    after its shortest context.

    Args:
        formats: how the model may be asked, by name.
        template_row: a row whose instruction and system prompt all readings get, so that their prompts begin alike.
        system: a system prompt in place of the row's own.
    """

    def read(name: str, readings: Sequence[Reading]) -> list[Bits]:
        return bits_by_token(model, formats[name], readings, template_row, system=system)

    lengths = [length for length in plan.ladder if length]
    trial = plan.ladder[min(lengths)] if lengths else [plan.whole[index] for index in plan.few]
    totals = {
        name: _sum(read(name, trial)) / sum(len(item.completion) for item in trial)
        for name in formats
    }
    chosen = min(totals, key=lambda name: totals[name])
    parts = [plan.whole, plan.mismatched, plan.stretches, *plan.ladder.values()]
    # In one go, since they have their beginnings in common.
    together = iter(read(chosen, [item for part in parts for item in part]))
    whole, mismatched, stretches, *rungs = [[next(together) for _ in part] for part in parts]
    return Side(
        chosen, totals, whole, mismatched, dict(zip(plan.ladder, rungs, strict=True)), stretches
    )


def bits_by_token(
    model,
    prompting: Prompting,
    readings: Sequence[Reading],
    template_row: dict,
    *,
    system: str | None = None,
) -> list[Bits]:
    """The bits of each token of each reading's continuation."""
    tokenizer = prompting.tokenizer
    # Without a token before it the first one has no probability.
    nothing = tokenizer.encode("\n", add_special_tokens=False)
    items, starts = [], []
    for reading in readings:
        row = {**template_row, "input": reading.context, "history": []}
        ids, offsets = _tokens(tokenizer, reading.completion)
        items.append((prompting.prompt_ids(row, system=system) or nothing, ids))
        starts.append(offsets)
    return [
        [(offset, value / math.log(2)) for offset, value in zip(offsets, nats, strict=True)]
        for offsets, nats in zip(starts, shared_prefix_nll(model, items), strict=True)
    ]


def _tokens(tokenizer, text: str) -> tuple[list[int], list[int]]:
    """Token ids of a text and where in it each begins."""
    if tokenizer.is_fast:
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return encoded["input_ids"], [start for start, _ in encoded["offset_mapping"]]
    ids = tokenizer.encode(text, add_special_tokens=False)
    return ids, [len(tokenizer.decode(ids[:count]).rstrip("\ufffd")) for count in range(len(ids))]


def compare_sides(plan: Plan, base: Side, tuned: Side) -> dict:
    """Tuned against base after the same contexts, each in its better format.

    Returns:
        format and formats by side; base, tuned, difference (tuned − base: below zero is better), relative (difference
        over base), each with its interval, and the smallest difference that the run could have seen (`detectable`);
        ladder, context_gain, by_position and by_quarter.
    """
    compared = _compared(plan.whole, base.whole, tuned.whole)
    return {
        "format": {"base": base.format, "tuned": tuned.format},
        "formats": {"base": base.formats, "tuned": tuned.formats},
        "longest_context": plan.longest,
        **compared,
        "detectable": detectable(compared["difference"]),
        "ladder": _ladder(plan, base, tuned),
        "context_gain": _context_gain(plan, base, tuned),
        "by_position": _by_position(plan.stretches, base.stretches, tuned.stretches),
        "by_quarter": _by_quarter(plan.stretches, base.stretches, tuned.stretches),
    }


def _compared(readings: Sequence[Reading], base: Sequence[Bits], tuned: Sequence[Bits]) -> dict:
    chapters = [item.chapter for item in readings]
    characters = [len(item.completion) for item in readings]
    before, after = ([_sum([bits]) for bits in side] for side in (base, tuned))
    change = _less(after, before)
    return {
        "rows": len(readings),
        "characters": sum(characters),
        "base": interval_of_ratio(before, characters, chapters),
        "tuned": interval_of_ratio(after, characters, chapters),
        "difference": interval_of_ratio(change, characters, chapters),
        "relative": interval_of_ratio(change, before, chapters),
    }


def _ladder(plan: Plan, base: Side, tuned: Side) -> list[dict]:
    """The same few rows after ever more of the true text."""
    few = [plan.whole[index] for index in plan.few]
    rungs = [
        {"context": length, **_compared(readings, base.ladder[length], tuned.ladder[length])}
        for length, readings in plan.ladder.items()
    ]
    top = ([side.whole[index] for index in plan.few] for side in (base, tuned))
    return [*rungs, {"context": plan.longest, **_compared(few, *top)}]


def _context_gain(plan: Plan, base: Side, tuned: Side) -> dict | None:
    """Bits per character that the true context saves over a context of the same length from another chapter; null if no other chapter is held out.

    `use` says whether the tuned model makes surely "more" or "less" of its context than the base, or "unclear".
    """
    if not plan.mismatched:
        return None
    chapters = [item.chapter for item in plan.mismatched]
    characters = [len(item.completion) for item in plan.mismatched]
    saved = {
        name: [
            _sum([other]) - _sum([side.whole[index]])
            for other, index in zip(side.mismatched, plan.full, strict=True)
        ]
        for name, side in (("base", base), ("tuned", tuned))
    }
    saved["difference"] = _less(saved["tuned"], saved["base"])
    gains = {name: interval_of_ratio(bits, characters, chapters) for name, bits in saved.items()}
    use = {"better": "less", "worse": "more", "unclear": "unclear"}
    return {
        "rows": len(characters),
        "characters": sum(characters),
        **gains,
        "use": use[verdict(gains["difference"])],
    }


def _by_position(
    readings: Sequence[Reading], base: Sequence[Bits], tuned: Sequence[Bits]
) -> list[dict]:
    """Base and tuned by place, all on the same continuations.

    `change` is what the difference has risen by since the first stretch, and `fades` whether it surely has.
    """
    if not readings:
        return []
    chapters = [item.chapter for item in readings]
    length = len(readings[0].completion)
    found: list[dict] = []
    first: list[float] = []
    for start, end in ((start, min(end, length)) for start, end in POSITIONS if start < length):
        characters = [end - start] * len(readings)
        before, after = (
            [_sum([_between(bits, start, end)]) for bits in side] for side in (base, tuned)
        )
        change = _less(after, before)
        by_character = [bits / (end - start) for bits in change]
        first = first or by_character
        rise = interval_of_mean(_less(by_character, first), chapters)
        found.append(
            {
                "start": start,
                "end": end,
                "characters": sum(characters),
                "base": interval_of_ratio(before, characters, chapters),
                "tuned": interval_of_ratio(after, characters, chapters),
                "difference": interval_of_ratio(change, characters, chapters),
                "change": rise,
                "fades": verdict(rise) == "worse",
            }
        )
    return found


def _by_quarter(
    readings: Sequence[Reading], base: Sequence[Bits], tuned: Sequence[Bits]
) -> dict | None:
    """Base and tuned by quarter of the same continuations (see `quarters.followed`), and what lies between them; null without any."""
    if not readings:
        return None
    length, chapters = len(readings[0].completion), [item.chapter for item in readings]
    bounds = bounds_of_quarters(length)

    def amounts(side: Sequence[Bits]) -> list[Amounts]:
        return [
            [(_sum([_between(bits, start, end)]), end - start) for bits in side]
            for start, end in bounds
        ]

    before, after = amounts(base), amounts(tuned)
    change = [
        [(new - old, size) for (old, size), (new, _) in zip(*pair, strict=True)]
        for pair in zip(before, after, strict=True)
    ]
    return {
        "length": length,
        "texts": len(readings),
        "chapters": len(set(chapters)),
        "base": followed(before, bounds, chapters, Against()),
        "tuned": followed(after, bounds, chapters, Against()),
        "difference": followed(change, bounds, chapters),
    }


def _between(bits: Bits, start: int, end: int) -> Bits:
    return [token for token in bits if start <= token[0] < end]


def _sum(bits: Iterable[Bits]) -> float:
    return sum(value for tokens in bits for _, value in tokens)


def _less(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(ones, others, strict=True)]
