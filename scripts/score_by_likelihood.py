"""Rule score_by_likelihood: a base model shows how much each prompt calls for its completion."""

from pathlib import Path

import torch
from xuxie.files.rows import read_rows, write_rows
from xuxie.models.loading import best_dtype, load_model
from xuxie.pairs.likelihood import score_by_likelihood as score
from xuxie.runtime.job import run_job


def score_by_likelihood(
    candidates: str,
    model: list[str],
    scored: str,
    *,
    scorer: dict,
    trust_remote_code: bool,
    seed: int,
    threads: int,
) -> None:
    """Score the candidate pairs of a shard against each other's prompts.

    Args:
        model: the files of the base model's folder.
        scorer: the scorer's entry in the config.
    """
    pairs = [row for row in read_rows(candidates) if "failed" not in row]
    if not pairs:
        write_rows(scored, [])
        return
    torch.set_num_threads(threads)
    loaded, tokenizer = load_model(
        Path(model[0]).parent,
        dtype=best_dtype(large_products=True),
        trust_remote_code=trust_remote_code,
    )
    reading = {key: scorer[key] for key in ("contexts", "context_tokens", "completion_tokens")}
    write_rows(scored, score(loaded, tokenizer, pairs, **reading, seed=seed))


if __name__ == "__main__":
    run_job(score_by_likelihood, snakemake)
