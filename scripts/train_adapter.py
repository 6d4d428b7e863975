"""Rule train_adapter: one stage of an adapter, with LLaMA-Factory's own command."""

from pathlib import Path

from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training.run import train_stage


def train_adapter(
    yaml_file: str,
    train: str,
    val: str,
    model: list[str],
    before: str | list,
    *,
    threads: int,
    gpus: int,
    nodes: int,
) -> None:
    """Train in the folder of the YAML; see `train_stage`.

    Args:
        train, val: the rows to train on and to watch.
        model: the base model's config.json and its record.
        before: the adapter of the stage before; an empty list for the first stage.
    """
    train_stage(
        Path(yaml_file),
        {"train": Path(train), "val": Path(val)},
        base_model=Path(model[1]),
        before=Path(before) if before else None,
        threads=threads,
        gpus=gpus,
        nodes=nodes,
    )


if __name__ == "__main__":
    run_job(in_environment(train_adapter), snakemake)
