"""How long sampling and evaluation will take: from earlier runs on the same model, or from what a device is taken to do."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from xuxie.evaluation.contexts import held_out_rows
from xuxie.files.rows import read_json, read_rows
from xuxie.sampling.amount import most_tokens
from xuxie.sampling.authors import BASE, TUNED, parted
from xuxie.training.estimate import Rate
from xuxie.training.speed import Speed

TIMES_READ = 3
"""So often all held-out text is read, about: by two models after the chapter so far, and parts of it after other contexts."""


def tokens_to_sample(sampling: dict, held_out: int) -> int:
    """The most tokens that base and tuned will write.

    Args:
        sampling: this section of the config.
        held_out: how many rows there are to ask with.
    """
    own = [name for name in sampling["systems"] if name in (BASE, TUNED)]
    prompts = min(sampling["prompts"], held_out)
    return most_tokens(sampling, systems=len(own), prompts=prompts)


def characters_to_read(rows: Sequence[dict], count: int | None) -> int:
    """The characters of the held-out rows that are measured (see `held_out_rows`)."""
    return sum(len(row["output"]) for row in held_out_rows(rows, count))


def measured_sampling(adapters: Iterable[Path]) -> Rate | None:
    """The rate of the first of these adapters' folders whose samples were timed, in tokens that base and tuned have written."""
    for folder in adapters:
        samples, seconds = folder / "samples.jsonl", seconds_of_rule("sample_outputs", folder.name)
        if seconds and samples.is_file():
            outputs = [row["outputs"] for row in read_rows(samples)]
            tokens = sum(
                _written(output)
                for row in outputs
                for name, output in row.items()
                if parted(name)[0] in (BASE, TUNED)
            )
            return _rate(tokens, seconds, "tokens")
    return None


def measured_evaluation(adapters: Iterable[Path]) -> Rate | None:
    """The rate of the first of these adapters' folders whose evaluation was timed, in characters of held-out rows."""
    for folder in adapters:
        found, seconds = (
            folder / "evaluation.json",
            seconds_of_rule("evaluate_adapter", folder.name),
        )
        if seconds and found.is_file():
            characters = read_json(found)["bits_per_character"]["characters"]
            return _rate(characters, seconds, "held-out characters")
    return None


def assumed_sampling(weights: float, batch: int, speed: Speed) -> Rate:
    """What a device is taken to do with a model of so many weights."""
    return Rate(speed.written(weights, batch), speed.loading, speed.source)


def assumed_evaluation(weights: float, tokens_per_character: float, speed: Speed) -> Rate:
    """The same in characters of held-out rows: 2 N FLOPs for each token that is read, `TIMES_READ` times."""
    flops = 2 * weights * tokens_per_character * TIMES_READ
    return Rate(speed.flops / flops, speed.loading, speed.source)


def seconds_of_rule(rule: str, adapter: str) -> float | None:
    """How long a job of a rule took for an adapter, as Snakemake noted it; None if it did not."""
    file = Path("benchmarks/results", rule, f"{adapter}.tsv")
    if not file.is_file():
        return None
    with file.open(encoding="utf-8") as lines:
        *_, last = csv.DictReader(lines, delimiter="\t")
    return float(last["s"])


def _written(output: dict) -> int:
    """The tokens of all drafts of a sample; those that were not taken are thought to be as long as the one that was."""
    return output["tokens"] * output.get("drafts", {"count": 1})["count"]


def _rate(amount: float, seconds: float, unit: str) -> Rate | None:
    speed = amount / seconds
    return Rate(speed, 0, f"{speed:.3g} {unit} a second in an earlier run") if speed else None
