"""Rule estimate_training: what every adapter will learn and take."""

import os

from xuxie.dataset.files import NovelFiles, read_novels
from xuxie.dataset.plan import plan_dataset
from xuxie.evaluation.forecast import forecast
from xuxie.files.rows import read_rows
from xuxie.pairs.planning import Plan, asked_and_not
from xuxie.pairs.sketches import tokens_to_sketch
from xuxie.runtime.job import run_job


def estimate_training(
    texts: list[str],
    chapters: list[str],
    chunks: list[str],
    tokenizer: str | None,
    *,
    training: dict,
) -> None:
    """Print coverage, minutes and memory of every adapter.

    Args:
        texts, chapters, chunks: of each novel, in their order; no chunks where no LLM is asked.
        tokenizer: config of the model that bounds of pairs are counted with, if any is in tokens.
        training: see `Settings.training_as_estimated`.
    """
    novels, asking = training["novels"], training["asking"]
    files = read_novels(novels, texts, chapters=chapters)
    plans: dict[str, list[Plan]] = {}
    for novel, path in zip(novels, chunks, strict=False):
        if not _read_pairs(novel, files[novel], path):
            plans[novel], _ = asked_and_not(list(read_rows(path)), asking, tokenizer)
    sampling, evaluation = training["sampling"], training["evaluation"]
    planned = {
        name: plan_dataset(
            name,
            dataset["entry"],
            {novel: files[novel] for novel in dataset["entry"]["novels"]},
            {novel: plans[novel] for novel in dataset["entry"]["novels"] if novel in plans},
            generator=dataset["generator"],
            written=bool(asking) and asking["mode"] == "write",
            completion_chars=evaluation["completion_chars"],
            prompt_chars=sampling["prompt_chars"],
        )
        for name, dataset in training["datasets"].items()
    }
    for name, dataset in planned.items():
        if dataset.sketched:
            read, written = tokens_to_sketch(dataset.sketched)
            print(
                f"{name}: what happens in {len(dataset.sketched)} passages is asked beside, with about {read:,} tokens in and {written:,} out."
            )
    for name, adapter in training["adapters"].items():
        dataset = planned[adapter["dataset"]]
        for line in forecast(name, adapter, dataset, sampling=sampling, evaluation=evaluation):
            print(line)


def _read_pairs(novel: str, files: NovelFiles, chunks: str) -> bool:
    """Read the pairs that an earlier run has made of these chunks, if there are any.

    They are no input of the rule, which would have them asked for.
    """
    path = f"results/novels/{novel}/pairs.jsonl"
    there = os.path.isfile(path) and os.path.getmtime(path) >= os.path.getmtime(chunks)
    if there:
        files.pairs = list(read_rows(path))
    return there


if __name__ == "__main__":
    run_job(estimate_training, snakemake)
