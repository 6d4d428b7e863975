"""Rule render_training: the YAML that LLaMA-Factory trains one stage from."""

from pathlib import Path

import yaml
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training.arguments import training_arguments


def render_training(
    yaml_file: str,
    train: dict,
    stage: str,
    going_on_from: str | None,
    template: str,
    trust_remote_code: bool,
    dataset: str,
    model: str,
) -> None:
    """Write every argument into one file, which reads like any LLaMA-Factory example.

    Args:
        yaml_file: the file to write; the adapter goes into its folder, and its rows into `data` there.
        train: LLaMA-Factory arguments from the config.
        stage: `pt` or `sft`.
        going_on_from: folder of the LoRA of the stage before; None for the first.
        template: what the rows are worded with.
        trust_remote_code: whether the model's own code may run.
        dataset: name of the dataset.
        model: name of the base model.
    """
    folder = Path(yaml_file).parent
    arguments = training_arguments(
        train,
        stage=stage,
        model=f"results/models/{model}/hf",
        template=template,
        trust_remote_code=trust_remote_code,
        dataset=dataset,
        dataset_folder=str(folder / "data"),
        adapter_folder=str(folder),
        going_on_from=going_on_from,
    )
    Path(yaml_file).write_text(
        yaml.safe_dump(arguments, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


if __name__ == "__main__":
    run_job(in_environment(render_training), snakemake)
