"""How long training will take, from the rate of an earlier run."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """What a machine did with a model.

    Attributes:
        tokens_per_second: of training rows, the looks at the val chapters included.
        tokens_per_character: of rows, for each character of the training chapters.
    """

    tokens_per_second: float
    tokens_per_character: float


def measured_rate(manifests: Iterable[dict], stage: str, model_files: dict) -> Rate | None:
    """The rate of the latest run of a stage on the same base model.

    Args:
        manifests: of adapters; see `xuxie.training.record`.
        stage: `pt` or `sft`.
        model_files: the base model's files and their hashes, as in its record.

    Returns:
        None if there was no such run.
    """
    found = [
        record
        for manifest in manifests
        if manifest["base_model"]["files"] == model_files
        for record in manifest["stages"]
        if record["stage"] == stage and record["resumed_from"] is None
    ]
    if not found:
        return None
    last = max(found, key=lambda record: record["started"])
    result, rows = last["result"], last["rows"]
    account = rows["files"]["train"]
    whole = account["tokens"] + account.get("left_out", {}).get("tokens", 0)
    return Rate(
        result["useful_tokens"] / result["seconds_of_training"],
        whole / rows["coverage"]["characters"],
    )


def seconds_of_stage(rate: Rate, train: dict, tokens: int | None, characters: int) -> float:
    """How long a stage will train.

    Args:
        rate: of the machine.
        train: LLaMA-Factory's arguments of the stage.
        tokens: its budget; None takes every row.
        characters: of the training chapters.
    """
    rows = rate.tokens_per_character * characters
    return min(rows, tokens or rows) * train["num_train_epochs"] / rate.tokens_per_second
