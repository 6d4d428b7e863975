"""What an adapter will learn and take, before anything is spent: coverage, minutes, memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xuxie.dataset.plan import PlannedDataset
from xuxie.errors import UserError
from xuxie.evaluation.estimate import (
    assumed_evaluation,
    assumed_sampling,
    characters_to_read,
    measured_evaluation,
    measured_sampling,
    tokens_to_sample,
)
from xuxie.files.rows import read_json
from xuxie.models.loading import load_tokenizer
from xuxie.models.sizes import config_of
from xuxie.pairs.estimate import about
from xuxie.runtime.environments import SHARED
from xuxie.training.arguments import typed_arguments
from xuxie.training.checks import as_trained
from xuxie.training.estimate import Rate, assumed_rate, measured_rate
from xuxie.training.memory import GIB, Shape, device_memory, needed
from xuxie.training.plan import characters_covered, planned_rows, tokens_to_train
from xuxie.training.speed import Speed, assumed_speed, device_here

UNKNOWN = "unknown, since the model is not here yet or does not tell its sizes"


@dataclass(frozen=True)
class Model:
    """A base model as far as it is known here.

    Attributes:
        shape: its sizes; None if nobody has told them, the model's own config included.
        tokenizer: None if it is not here.
        files: its files and their hashes; None if they are not here.
    """

    shape: Shape | None
    tokenizer: object | None
    files: dict | None

    @classmethod
    def find(cls, adapter: dict) -> "Model":
        """What is here of the base model of an adapter (see `Adapter.as_estimated`)."""
        folder = next(
            (Path(f) for f in adapter["folders"] if Path(f, "config.json").is_file()), None
        )
        if adapter["environment"] not in SHARED:
            folder = None
        own_code, record = adapter["trust_remote_code"], Path(adapter["record"])
        config = config_of(folder, adapter["source_name"], trust_remote_code=own_code)
        return cls(
            Shape.of(config) if config else None,
            load_tokenizer(folder, trust_remote_code=own_code) if folder else None,
            read_json(record)["files"] if record.is_file() else None,
        )


@dataclass(frozen=True)
class Work:
    """A part of the work and how fast it goes.

    Attributes:
        amount: of what the rate counts.
        rate: None where nothing is known of the model.
    """

    name: str
    amount: float
    rate: Rate | None

    def __str__(self) -> str:
        if self.rate is None:
            return f"{self.name}: {UNKNOWN}"
        minutes = self.rate.seconds(self.amount) / 60
        return f"{self.name}: about {minutes:.{1 if minutes < 10 else 0}f} minutes ({self.rate.source})"


def forecast(
    name: str, adapter: dict, dataset: PlannedDataset, *, sampling: dict, evaluation: dict
) -> Iterator[str]:
    """Lines to be printed: for each stage its coverage, the minutes of all work, and the memory of a device.

    Args:
        adapter: see `Adapter.as_estimated`.
        sampling, evaluation: these sections of the config.

    Raises:
        UserError: an argument of training is refused; names the key.
    """
    adapter = {**adapter, "stages": [_typed(stage, adapter) for stage in adapter["stages"]]}
    model = Model.find(adapter)
    runs = {
        file.parent: read_json(file) for file in Path("results/adapters").glob("*/manifest.json")
    }
    gpu, cores = device_here(adapter["memory"])
    devices = adapter["gpus"] * adapter["nodes"]
    speed = assumed_speed(gpu=gpu, cores=cores, devices=devices)
    yield f"{name}:"
    for stage in adapter["stages"]:
        for line in _of_stage(stage, adapter["template"], dataset, model, runs, speed, devices):
            yield f"  {stage['stage']}: {line}"
    alone = assumed_speed(gpu=gpu, cores=cores)
    for work in _after_training(dataset.test, model, runs, alone, adapter, sampling, evaluation):
        yield f"  {work}"
    yield f"  {_memory(model, adapter)}"


def _typed(stage: dict, adapter: dict) -> dict:
    """The stage with its arguments as they will be rendered, unless that takes the release of another environment."""
    if adapter["environment"] not in SHARED:
        return stage
    return {**stage, "train": typed_arguments(stage["train"])}


def _of_stage(
    stage: dict,
    template: str,
    dataset: PlannedDataset,
    model: Model,
    runs: dict[Path, dict],
    speed: Speed,
    devices: int,
) -> Iterator[str]:
    rows = dataset.texts if stage["stage"] == "pt" else dataset.train
    if not rows:
        yield "coverage and minutes are unknown before the pairs are there"
        return
    arguments = {"stage": stage["stage"], "template": template, **stage["train"]}
    planned = planned_rows(arguments, rows, model.tokenizer, budget=stage["tokens"])
    covered = characters_covered(planned, dataset.texts)
    roughly = "" if model.tokenizer else "about "
    note = f" ({dataset.note})" if dataset.note and stage["stage"] != "pt" else ""
    yield (
        f"{covered / dataset.characters:.2%} of the training chapters carries loss, {covered:,} of {dataset.characters:,} characters{note}; "
        f"{len(planned.rows):,} rows, {roughly}{sum(planned.sizes):,} tokens"
    )
    rate = measured_rate(runs.values(), stage["stage"], model.files) if model.files else None
    if rate is None and model.shape:
        rate = assumed_rate(model.shape.multiplied, stage["train"], speed)
    yield str(Work("training", tokens_to_train(planned, stage["train"], devices), rate))


def _after_training(
    held_out: list[dict],
    model: Model,
    runs: dict[Path, dict],
    speed: Speed,
    adapter: dict,
    sampling: dict,
    evaluation: dict,
) -> Iterator[Work]:
    """Sampling and evaluation, which take one device."""
    latest_first = sorted(runs, key=lambda run: runs[run]["stages"][-1]["started"], reverse=True)
    same = [run for run in latest_first if runs[run]["base_model"]["files"] == model.files]
    samples, reading = measured_sampling(same), measured_evaluation(same)
    if model.shape:
        weights = model.shape.multiplied
        samples = samples or assumed_sampling(weights, adapter["asking"]["batch_size"], speed)
        text = "".join(row["output"] for row in held_out)
        each = about(text) / max(1, len(text))
        reading = reading or assumed_evaluation(weights, each, speed)
    yield Work("sampling, at most", tokens_to_sample(sampling, len(held_out)), samples)
    yield Work("evaluation", characters_to_read(held_out, evaluation["rows"]), reading)


def _memory(model: Model, adapter: dict) -> str:
    """The largest of the stages, against what there is."""
    if model.shape is None:
        return f"memory: {UNKNOWN}"
    there = adapter["memory"] or device_memory() / GIB
    try:
        asked = [as_trained(stage["train"], adapter["memory"]) for stage in adapter["stages"]]
    except UserError as error:
        return f"memory: this machine cannot train it: {error.what}"
    devices = adapter["gpus"] * adapter["nodes"]
    stages = [needed(model.shape, arguments, adapter["asking"], devices) for arguments in asked]
    most = {work: max(sum(stage[work].values()) for stage in stages) / GIB for work in stages[0]}
    parts = ", ".join(f"{work} about {size:.1f} GiB" for work, size in most.items())
    verdict = (
        "" if max(most.values()) < there else ", which is too little: the gates will refuse it"
    )
    return f"memory: {parts}; {there:.1f} GiB there{verdict}"
