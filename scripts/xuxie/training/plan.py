"""What a stage will train on, before it is prepared: the rows that its budget holds, and how much of the book they teach."""

from collections.abc import Sequence

from xuxie.pairs.estimate import about
from xuxie.training.budget import coverage
from xuxie.training.stage_rows import StageRows, stage_rows

MARKERS = 20
"""Tokens of a chat template around a row."""


def planned_rows(
    arguments: dict, rows: Sequence[dict], tokenizer, *, budget: int | None
) -> StageRows:
    """The rows that a stage will train on.

    Args:
        arguments: LLaMA-Factory's, of the stage.
        rows: of the dataset: stretches of text for the stage `pt`, Alpaca rows for `sft`.
        tokenizer: the model's; without it (None) tokens are estimated by characters.
        budget: the most tokens that they may have in all; None takes every row.
    """
    made = stage_rows(arguments, rows, tokenizer) if tokenizer else _about(arguments, rows)
    return made.within(budget, seed=arguments["seed"])


def tokens_to_train(planned: StageRows, train: dict, devices: int) -> float:
    """The tokens that the stage will see, in all epochs or in `max_steps`.

    Args:
        train: LLaMA-Factory's arguments of the stage.
        devices: how many train at once, each with a batch of its own.
    """
    tokens = sum(planned.sizes)
    steps = train.get("max_steps", -1)
    if steps > 0:
        step = train["per_device_train_batch_size"] * train["gradient_accumulation_steps"] * devices
        return steps * step * tokens / len(planned.sizes)
    return tokens * train["num_train_epochs"]


def characters_covered(planned: StageRows, texts: Sequence[dict]) -> int:
    """The characters of the training chapters that carry loss in at least one of the rows."""
    return coverage(texts, planned.rows)["covered"]


def _about(arguments: dict, rows: Sequence[dict]) -> StageRows:
    if arguments["stage"] == "pt":
        rows = [piece for row in rows for piece in _pieces(row, arguments["cutoff_len"])]
        return StageRows(rows, [about(row["text"]) for row in rows], {})
    sizes = [min(arguments["cutoff_len"], MARKERS + about(_text(row))) for row in rows]
    return StageRows(list(rows), sizes, {})


def _text(row: dict) -> str:
    turns = [text for turn in row["history"] for text in turn]
    return "".join([row["system"], row["instruction"], row["input"], *turns, row["output"]])


def _pieces(stretch: dict, tokens: int) -> list[dict]:
    """A stretch of text in pieces of about so many tokens."""
    text, (first, end) = stretch["text"], stretch["span"]
    size = max(1, round(tokens * len(text) / max(1, about(text))))
    return [
        {
            **stretch,
            "text": text[start - first : min(start + size, end) - first],
            "learnt": [start, min(start + size, end)],
        }
        for start in range(first, end, size)
    ]
