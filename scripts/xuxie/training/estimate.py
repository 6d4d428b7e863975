"""How long training will take: from the rate of an earlier run, or from what a device is taken to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from xuxie.training.speed import Speed


@dataclass(frozen=True)
class Rate:
    """What a machine does with a model.

    Attributes:
        per_second: of what is counted: tokens of training rows, the looks at the val chapters included; or of samples; or held-out characters.
        around: seconds before and after, in which the model is loaded and the adapter saved.
        source: where this is from, in words.
    """

    per_second: float
    around: float
    source: str

    def seconds(self, amount: float) -> float:
        """How long so much of it takes."""
        return self.around + amount / self.per_second


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
    training = last["result"]["seconds_of_training"]
    speed = last["result"]["useful_tokens"] / training
    return Rate(speed, last["seconds"] - training, f"{speed:.0f} tokens a second in an earlier run")


def assumed_rate(weights: float, train: dict, speed: Speed) -> Rate:
    """The rate that follows from a device's arithmetic.

    A token takes 2 N FLOPs forward and 2 N for the gradients that pass through N frozen weights, and with gradient
    checkpointing 2 N more; the LoRA's own are left out.

    Args:
        weights: N, those that a token is multiplied with.
        train: LLaMA-Factory's arguments of the stage.
    """
    checkpointing = speed.gpu and not train.get("disable_gradient_checkpointing")
    return Rate(speed.flops / (weights * (6 if checkpointing else 4)), speed.loading, speed.source)
