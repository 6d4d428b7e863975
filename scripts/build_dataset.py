"""Rule build_dataset: one or more novels become rows, texts and a registry."""

from xuxie.dataset.alpaca import dataset_info
from xuxie.dataset.build import build
from xuxie.dataset.files import novels_of, read_novels, write_novels
from xuxie.dataset.ledger import ledger as account
from xuxie.dataset.sketched import tell
from xuxie.dataset.split import SPLITS
from xuxie.dataset.summary import log_summary
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.runtime.job import run_job


def build_dataset(
    texts: list[str],
    counts: list[str],
    chapters: list[str],
    chunks: list[str],
    unasked: list[str],
    failures: list[str],
    pairs: list[str],
    summaries: list[str],
    sketches: list[str],
    rows: list[str],
    whole_texts: list[str],
    unplaced: str,
    untrained: str,
    info: str,
    cast: str,
    ledger: str,
    *,
    name: str,
    dataset: dict,
    generator: str | None,
    language: str,
    completion_chars: int,
    prompt_chars: int,
) -> None:
    """Split by chapter, cut and word the rows, prove that nothing leaks, and account for everything.

    Args:
        texts, …, summaries: for each novel of the dataset, in its order: text.txt, text.json, chapters.jsonl, chunks.jsonl,
            unasked.jsonl, failures.jsonl, pairs.jsonl and pairs.json. Of the last five there are none where no LLM is asked.
        sketches: the passages of which an LLM has said what happens in them, what it said, whether that fits, and what it took; none if nobody was asked.
        rows, whole_texts: the files to write, one for each split; the whole texts of train and val.
        unplaced: the kept pairs that are in no split, and why.
        untrained: the spans of training chapters that are in no row, and why.
        cast: by novel the people and places that rows are told of; a question that is asked later is told of the same.
        dataset: the dataset's entry in the config.
        generator, language, completion_chars, prompt_chars: see `build`.
    """
    read = read_novels(
        dataset["novels"], texts, counts=counts, chapters=chapters, chunks=chunks, unasked=unasked,
        failures=failures, pairs=pairs, summaries=summaries,
    )  # fmt: skip
    novels = novels_of(read)
    kinds: dict = {}
    usage: dict = {}
    if sketches:
        found, sentences, fitting, taken = sketches
        kinds, usage = read_json(fitting), read_json(taken)
        tell(novels, read_rows(found), {row["id"]: row for row in read_rows(sentences)}, kinds)
    leak = build(
        novels,
        dataset,
        dataset=name,
        generator=generator,
        language=language,
        completion_chars=completion_chars,
        prompt_chars=prompt_chars,
    )
    write_novels(novels, rows=rows, whole_texts=whole_texts, unplaced=unplaced, untrained=untrained)
    write_json(info, dataset_info(name, SPLITS, ("train_text", "val_text")))
    write_json(cast, {novel.name: novel.cast.names for novel in novels})
    made = account(name, novels, read, leak, kinds, usage)
    write_json(ledger, made)
    log_summary(made, leak)


if __name__ == "__main__":
    run_job(build_dataset, snakemake)
