"""Rule build_dataset: one or more novels become rows, texts and a registry."""

import logging

from xuxie.dataset.alpaca import dataset_info
from xuxie.dataset.build import Novel, build
from xuxie.dataset.files import read_novels
from xuxie.dataset.ledger import ledger as account
from xuxie.dataset.notes import SAYINGS
from xuxie.dataset.split import SPLITS
from xuxie.files.rows import write_json, write_rows
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def build_dataset(
    texts: list[str],
    counts: list[str],
    chapters: list[str],
    chunks: list[str],
    unasked: list[str],
    failures: list[str],
    pairs: list[str],
    summaries: list[str],
    rows: list[str],
    whole_texts: list[str],
    unplaced: str,
    untrained: str,
    info: str,
    ledger: str,
    *,
    name: str,
    dataset: dict,
    generator: str | None,
    completion_chars: int,
    prompt_chars: int,
) -> None:
    """Split by chapter, cut and word the rows, prove that nothing leaks, and account for everything.

    Args:
        texts, …, summaries: for each novel of the dataset, in its order: text.txt, text.json, chapters.jsonl, chunks.jsonl,
            unasked.jsonl, failures.jsonl, pairs.jsonl and pairs.json. Of the last five there are none where no LLM is asked.
        rows, whole_texts: the files to write, one a split; the whole texts of train and val.
        unplaced: the kept pairs that are in no split, and why.
        untrained: the spans of training chapters that are in no row, and why.
        dataset: the dataset's entry in the config.
        generator, completion_chars, prompt_chars: see `build`.
    """
    read = read_novels(
        dataset["novels"], texts, counts=counts, chapters=chapters, chunks=chunks, unasked=unasked,
        failures=failures, pairs=pairs, summaries=summaries,
    )  # fmt: skip
    novels = [
        Novel(novel, found.text, found.chapters, found.pairs) for novel, found in read.items()
    ]
    leak = build(
        novels,
        dataset,
        dataset=name,
        generator=generator,
        completion_chars=completion_chars,
        prompt_chars=prompt_chars,
    )
    for split, path in zip(SPLITS, rows, strict=True):
        write_rows(path, (row for novel in novels for row in novel.rows[split]))
    for split, path in zip(("train", "val"), whole_texts, strict=True):
        write_rows(path, (text for novel in novels for text in novel.texts[split]))
    write_rows(
        unplaced,
        (
            {"id": pair, "novel": novel.name, "because": why}
            for novel in novels
            for pair, why in novel.unplaced.items()
        ),
    )
    write_rows(untrained, (span for novel in novels for span in novel.untrained()))
    write_json(info, dataset_info(name, SPLITS, ("train_text", "val_text")))
    made = account(name, novels, read, leak)
    write_json(ledger, made)
    logger.info("dataset %s: %s rows, by earlier turns: %s", name, made["rows"], made["turns"])
    logger.info(
        "passages of 50 characters: %(trained)d trained on, %(held_out)d held out, %(shared)d shared",
        leak,
    )
    for novel, part in made["novels"].items():
        logger.info("characters of %s: %s", novel, part["characters"])
        logger.info(
            "coverage of %s: %.2f %% of the training chapters' %d characters carry loss; the rest: %s",
            novel,
            100 * part["coverage"]["share"],
            part["coverage"]["characters"],
            part["coverage"]["without"],
        )
        for note in part["notes"]:
            logger.warning("%s: %s", novel, SAYINGS[note["what"]].format(**note))


if __name__ == "__main__":
    run_job(build_dataset, snakemake)
