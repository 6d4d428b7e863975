"""Rule score_by_likelihood: a base model shows how much each prompt calls for its completion."""

import logging
from pathlib import Path

import torch
from xuxie.errors import UserError
from xuxie.files.rows import read_rows, write_rows
from xuxie.models.loading import best_dtype, load_model
from xuxie.pairs.likelihood import score_by_likelihood as score
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


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

    Raises:
        UserError: the novel has more pairs, but in other shards, and those of this one are of a single chunk.
    """
    pairs = [row for row in read_rows(candidates) if "failed" not in row]
    if not pairs:
        write_rows(scored, [])
        return
    if len({pair["chunk"] for pair in pairs}) == 1:
        _refuse_small_shard(candidates)
    torch.set_num_threads(threads)
    loaded, tokenizer = load_model(
        Path(model[0]).parent,
        dtype=best_dtype(large_products=True),
        trust_remote_code=trust_remote_code,
    )
    reading = {key: scorer[key] for key in ("contexts", "context_tokens", "completion_tokens")}
    write_rows(scored, score(loaded, tokenizer, pairs, **reading, seed=seed))


def _refuse_small_shard(candidates: str) -> None:
    """Of a novel in a single shard nothing can be done about it: its pairs are not scored, and are dropped for that."""
    shard = Path(candidates).parent.name
    if shard == "1-of-1":
        logger.warning("all pairs are of one chunk, so that there is nothing to compare them with")
        return
    raise UserError(
        "the pairs of this shard are all of one chunk: there is no other prompt to score them against",
        where=f"{candidates}, shard {shard}",
        remedy="make pairs.shard_bytes larger, or score by a judge; what is answered already is not paid for again",
    )


if __name__ == "__main__":
    run_job(score_by_likelihood, snakemake)
