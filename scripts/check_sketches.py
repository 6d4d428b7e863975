"""Rule check_sketches: a base model tells whether sentences about passages are about these passages."""

from pathlib import Path

import torch
from xuxie.dataset.sketch_check import examine_sketches
from xuxie.files.rows import read_rows, write_json
from xuxie.models.loading import best_dtype, load_model
from xuxie.runtime.job import run_job


def check_sketches(
    passages: str,
    sketches: str,
    model: list[str],
    check: str,
    *,
    outlines: dict,
    trust_remote_code: bool,
    seed: int,
    threads: int,
) -> None:
    """Write by kind how many sentences there are, and how well they fit.

    Args:
        model: the files of the base model's folder.
        outlines: `rows.outlines` of the dataset.
    """
    torch.set_num_threads(threads)
    loaded, tokenizer = load_model(
        Path(model[0]).parent,
        dtype=best_dtype(large_products=True),
        trust_remote_code=trust_remote_code,
    )
    sentences = {row["id"]: row for row in read_rows(sketches)}
    found = list(read_rows(passages))
    bounds = {"bound": outlines["auc"], "checked": outlines["checked"]}
    write_json(check, examine_sketches(loaded, tokenizer, found, sentences, **bounds, seed=seed))


if __name__ == "__main__":
    run_job(check_sketches, snakemake)
