"""Rule fit_rows: what a stage trains on, no row longer than `cutoff_len`."""

import logging
from pathlib import Path

import yaml
from xuxie.dataset.alpaca import dataset_info
from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.models.loading import load_tokenizer
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training import stage_rows as made

logger = logging.getLogger(__name__)


def fit_rows(
    yaml_file: str,
    rows: list[str],
    texts: str,
    registry: str,
    ledger: str,
    fitted: list[str],
    tokens: int | None,
) -> None:
    """Copy the dataset's rows, shortened where they are too long, or cut its text into blocks.

    Args:
        yaml_file: the rendered arguments.
        rows: what the dataset has for the stage: to train on, and to watch.
        texts: the raw text of the training chapters.
        fitted: the files to write, in the order of `rows`.
        registry: LLaMA-Factory's registry of them.
        ledger: what was cut and left out, and the share of the training chapters that carries loss.
        tokens: the budget; None takes every row.
    """
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(
        arguments["model_name_or_path"], trust_remote_code=arguments["trust_remote_code"]
    )
    trained, watched = (
        made.stage_rows(arguments, list(read_rows(file)), tokenizer) for file in rows
    )
    trained = trained.within(tokens, seed=arguments["seed"])
    for taken, target in zip((trained, watched), fitted, strict=True):
        write_rows(target, taken.rows)
        logger.info("%s: %d rows, %d tokens", target, len(taken.rows), sum(taken.sizes))
    dataset, names = arguments["dataset"].removesuffix("_train"), [Path(f).stem for f in fitted]
    raw = arguments["stage"] == "pt"
    write_json(registry, dataset_info(dataset, [] if raw else names, names if raw else []))
    write_json(ledger, made.ledger(arguments, trained, watched, list(read_rows(texts))))


if __name__ == "__main__":
    run_job(in_environment(fit_rows), snakemake)
