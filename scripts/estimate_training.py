"""Rule estimate_training: how long the adapters will train, from the rate of an earlier run."""

from pathlib import Path

from xuxie.files.rows import read_json, read_rows
from xuxie.runtime.job import run_job
from xuxie.training.estimate import measured_rate, seconds_of_stage


def estimate_training(
    texts: list[str], models: list[str], *, adapters: dict[str, list[dict]]
) -> None:
    """Print the minutes of every stage, as far as this folder holds a run of it on the same model.

    Args:
        texts: the training chapters, a file for each of `adapters`, in their order.
        models: the records of their base models.
        adapters: by name the stages: `stage`, `train` and `tokens`.
    """
    manifests = [read_json(file) for file in Path("results/adapters").glob("*/manifest.json")]
    for (name, stages), text, model in zip(adapters.items(), texts, models, strict=True):
        characters = sum(len(row["text"]) for row in read_rows(text))
        for stage in stages:
            rate = measured_rate(manifests, stage["stage"], read_json(model)["files"])
            if rate is None:
                said = "unknown: no run of this stage on this model is here yet"
            else:
                seconds = seconds_of_stage(rate, stage["train"], stage["tokens"], characters)
                said = f"about {seconds / 60:.0f} minutes ({rate.tokens_per_second:.0f} tokens a second in the last run)"
            print(f"{name}, stage {stage['stage']}: {said}")


if __name__ == "__main__":
    run_job(estimate_training, snakemake)
