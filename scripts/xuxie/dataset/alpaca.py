"""Alpaca rows and LLaMA-Factory's registry for them."""

import random

COLUMNS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}


def alpaca_row(pair: dict, *, instructions: list[str], systems: list[str], seed: int) -> dict:
    """One row to train on or to ask with.

    The wording of instruction and system prompt is drawn by seed and pair. Keys beyond LLaMA-Factory's
    columns say where the row comes from.
    """
    source = random.Random(f"{seed} {pair['id']}")
    return {
        "instruction": source.choice(instructions),
        "input": pair["prompt"],
        "output": pair["completion"],
        "system": source.choice(systems) if systems else "",
        "history": [],
        **{key: pair[key] for key in ("id", "novel", "chapter", "length")},
    }


def dataset_info(name: str, splits: tuple[str, ...]) -> dict:
    """The registry entries of a dataset's files: `{name}_{split}` for each split."""
    return {f"{name}_{split}": {"file_name": f"{split}.jsonl", "formatting": "alpaca", "columns": COLUMNS} for split in splits}
