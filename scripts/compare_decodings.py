"""Rule compare_decodings: which sampling values write most like the author."""

import logging
from pathlib import Path

import torch
import yaml
from xuxie.errors import UserError
from xuxie.evaluation.decoding import FEWEST_PASSAGES, compare_ways, is_measurable, measure
from xuxie.files.novel_text import chapter_of
from xuxie.files.rows import read_rows, write_json
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.sampling.held_out import watched_prompts
from xuxie.sampling.systems import Trained, sample_ways

logger = logging.getLogger(__name__)


def compare_decodings(
    val: str,
    val_text: str,
    adapter: str,
    model: list[str],
    decoding: str,
    *,
    sampling: dict,
    grid: list[dict],
    prompts: int,
    template: str,
    history_turns: int,
    trust_remote_code: bool,
    threads: int,
) -> None:
    """Let the tuned model continue watched prompts in every way of a grid, and write how far each is from the author.

    Args:
        val, val_text: rows and chapters that are watched in training, and neither trained on nor held out.
        sampling: what of `sampling` of the config says how one answer is asked for.
        grid: what differs from it, way by way; the configured one is tried first.
        prompts: about how many passages are continued.
        template, history_turns, trust_remote_code: see `sample_outputs`.
    """
    torch.set_num_threads(threads)
    rows = list(read_rows(val))
    if not rows:
        raise UserError(
            "there are no watched chapters to choose the sampling values on",
            where="config key datasets.*.split",
            remedy="give `val` a share; the held-out chapters must not choose what they judge",
        )
    watched = watched_prompts(rows, list(read_rows(val_text)), prompts)
    rows = [row for row in watched if is_measurable(row["output"])]
    if len(rows) < FEWEST_PASSAGES:
        raise UserError(
            f"the watched chapters have too few passages to choose the sampling values on: {len(rows)}",
            where="config key datasets.*.split",
            remedy=f"give `val` a larger share; at least {FEWEST_PASSAGES} passages are needed",
        )
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    ways = [{}, *grid]
    journal = Path(decoding).with_suffix(".journal")
    loaded, prompting, outputs = sample_ways(rows, trained, sampling, ways, journal, history_turns)
    texts = [[row["output"] for row in rows], *outputs]
    author, *measured = measure(loaded, prompting, rows, texts, sampling["system"])
    chapters = [chapter_of(row) for row in rows]
    found = compare_ways(author, measured, chapters)
    for way, result in zip(ways, found["ways"], strict=True):
        result["values"] = way
        far = result["distance"]
        said = "nothing written" if far is None else f"distance {far:.2f}"
        logger.info("%s: %s", said, way or "as configured")
    chosen = ways[found["nearest"]]
    write_json(decoding, {"prompts": len(rows), **found, "nearest": chosen})
    if not chosen:
        print("nearest to the author is what is configured")
        return
    sure = "surely nearer" if found["verdict"] == "better" else "nearer, which may be chance,"
    print(
        f"{sure} to the author than what is configured is\n{yaml.safe_dump({'sampling': chosen})}"
    )


if __name__ == "__main__":
    run_job(in_environment(compare_decodings), snakemake)
