"""Held-out bits per character: how well a model foresees the author's true continuation.

    bits per character = −log₂ p(continuation | prompt) / characters of the continuation

It does not depend on the tokenizer, so models of different families compare. The token that ends an
answer is left out, since a bare text has none.
"""

import math
from collections.abc import Sequence

from xuxie.evaluation.intervals import interval_of_ratio
from xuxie.models.nll import completion_nll
from xuxie.prompts.prompting import Prompting

POSITIONS = ((0, 100), (100, 300), (300, 1000), (1000, 3000))
"""Stretches of a continuation, in characters from its start."""


def bits_by_token(
    model, prompting: Prompting, rows: Sequence[dict], *, system: str | None = None
) -> list[list[tuple[int, float]]]:
    """For each row, (character offset in the row's output, bits) of each token of the output."""
    tokenizer = prompting.tokenizer
    items, starts = [], []
    for row in rows:
        ids, offsets = _tokens(tokenizer, row["output"])
        items.append((prompting.prompt_ids(row, system=system), ids))
        starts.append(offsets)
    nats = completion_nll(model, items, want="tokens")
    return [
        [(offset, value / math.log(2)) for offset, value in zip(offsets, values, strict=True)]
        for offsets, values in zip(starts, nats, strict=True)
    ]


def _tokens(tokenizer, text: str) -> tuple[list[int], list[int]]:
    """Token ids of a text and where in it each begins."""
    if tokenizer.is_fast:
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return encoded["input_ids"], [start for start, _ in encoded["offset_mapping"]]
    ids = tokenizer.encode(text, add_special_tokens=False)
    return ids, [len(tokenizer.decode(ids[:count]).rstrip("\ufffd")) for count in range(len(ids))]


def compare_likelihood(
    rows: Sequence[dict],
    base: dict[str, list[list[tuple[int, float]]]],
    tuned: list[list[tuple[int, float]]],
    *,
    seed: int = 0,
) -> dict:
    """Tuned against base, the base in whichever format suits it better.

    A base model that never saw the chat template looks worse in it than it is, and the comparison
    would credit the adapter with having learnt the template. So the base may also continue the bare text.

    Args:
        rows: held-out rows.
        base: what `bits_by_token` gave for the base, by format name.
        tuned: the same for the tuned model, asked as it was trained.

    Returns:
        base_format, base_formats (bits per character by format), base, tuned and difference (tuned − base: below zero is
        better) with intervals, the same by_position, and by length class.
    """
    totals = {name: _ratio(bits, rows) for name, bits in base.items()}
    chosen = min(totals, key=totals.get)
    result = {
        "base_format": chosen,
        "base_formats": totals,
        **_compared(rows, base[chosen], tuned, (0, math.inf), seed),
    }
    result["by_position"] = [
        {"start": start, "end": end, **_compared(rows, base[chosen], tuned, (start, end), seed)}
        for start, end in POSITIONS
        if any(len(row["output"]) > start for row in rows)
    ]
    result["by_length"] = {}
    for name in dict.fromkeys(row["length"] for row in rows):
        which = [index for index, row in enumerate(rows) if row["length"] == name]
        part = [[items[index] for index in which] for items in (rows, base[chosen], tuned)]
        result["by_length"][name] = _compared(*part, (0, math.inf), seed)
    return result


def _compared(rows, base, tuned, span: tuple[float, float], seed: int) -> dict:
    chapters = [(row["novel"], row["chapter"]) for row in rows]
    characters = [_overlap(len(row["output"]), span) for row in rows]
    inside = [
        [sum(bits for offset, bits in tokens if span[0] <= offset < span[1]) for tokens in side]
        for side in (base, tuned)
    ]
    difference = [after - before for before, after in zip(*inside, strict=True)]
    return {
        "characters": sum(characters),
        **{
            name: interval_of_ratio(values, characters, chapters, seed=seed)
            for name, values in (
                ("base", inside[0]),
                ("tuned", inside[1]),
                ("difference", difference),
            )
        },
    }


def _overlap(length: int, span: tuple[float, float]) -> int:
    return int(max(0, min(length, span[1]) - span[0]))


def _ratio(bits: list[list[tuple[int, float]]], rows: Sequence[dict]) -> float:
    return sum(value for tokens in bits for _, value in tokens) / sum(
        len(row["output"]) for row in rows
    )


def verdict(difference: dict) -> str:
    """ "better", "worse", or "unclear" if the interval holds zero or could not be had."""
    if difference["low"] is None or difference["low"] <= 0 <= difference["high"]:
        return "unclear"
    return "better" if difference["high"] < 0 else "worse"
