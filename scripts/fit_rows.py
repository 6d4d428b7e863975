"""Make a dataset's rows fit into what an adapter is trained on."""

import logging
from pathlib import Path

import yaml
from xuxie.dataset.alpaca import dataset_info
from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.models.loading import load_tokenizer
from xuxie.prompts.prompting import Prompting, shaping_arguments
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training.fit import cut_between, fit

log = logging.getLogger(__name__)


def fit_rows(
    yaml_file: str, rows: list[str], registry: str, ledger: str, fitted: list[str]
) -> None:
    """Copy the rows, shortening the prompts of those that are longer than `cutoff_len`.

    A row that cannot be made to fit is copied as it is, for the gates to refuse by name.

    Args:
        yaml_file: the rendered arguments.
        rows: the dataset's files.
        fitted: the files to write, in the same order.
        registry: LLaMA-Factory's registry of them.
        ledger: what was cut from which row.
    """
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(
        arguments["model_name_or_path"], trust_remote_code=arguments["trust_remote_code"]
    )
    prompting = Prompting(tokenizer, arguments["template"], **shaping_arguments(arguments))
    cutoff = arguments["cutoff_len"]

    def length(row: dict) -> int:
        return len(prompting.training_ids(row)[0])

    account = {"cutoff_len": cutoff, "files": {}}
    for source, target in zip(rows, fitted, strict=True):
        whole, cut, too_long, kept = 0, {}, {}, []
        for row in read_rows(source):
            shortened = fit(row, length, cutoff)
            if shortened is None:
                too_long[row["id"]] = length(row)
            elif shortened is row:
                whole += 1
            else:
                cut[row["id"]] = cut_between(row, shortened)
            kept.append(shortened or row)
        write_rows(target, kept)
        account["files"][Path(target).stem] = {
            "rows": len(kept),
            "whole": whole,
            "cut": cut,
            "too_long": too_long,
        }
        log.info(
            "%s: %d rows as they are, %d with a shortened prompt, %d too long",
            source,
            whole,
            len(cut),
            len(too_long),
        )
    dataset = arguments["dataset"].removesuffix("_train")
    write_json(registry, dataset_info(dataset, tuple(Path(target).stem for target in fitted)))
    write_json(ledger, account)


if __name__ == "__main__":
    run_job(in_environment(fit_rows), snakemake)
