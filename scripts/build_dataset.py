"""Rule build_dataset: kept pairs of one or more novels become Alpaca files and a registry."""

import logging
import statistics
from collections import Counter

from xuxie.dataset.alpaca import alpaca_row, dataset_info
from xuxie.dataset.leakage import check_no_leak
from xuxie.dataset.split import SPLITS, near_foreign_split, split_chapters
from xuxie.errors import UserError
from xuxie.job import run_job
from xuxie.rows import read_json, read_rows, write_json, write_rows

logger = logging.getLogger(__name__)


def build_dataset(
    pairs: list[str],
    summaries: list[str],
    chapters: list[str],
    texts: list[str],
    train: str,
    val: str,
    test: str,
    info: str,
    ledger: str,
    *,
    name: str,
    dataset: dict,
) -> None:
    """Split by chapter, keep a gap, word the rows, prove that nothing leaks, and account for everything.

    Args:
        pairs, summaries, chapters, texts: for each novel of the dataset, in its order: pairs.jsonl,
            pairs.json, chapters.jsonl and text.json.
        dataset: the dataset's entry in the config.
    """
    rows: dict[str, list[dict]] = {split: [] for split in SPLITS}
    account: dict[str, dict] = {}
    for novel, pairs_path, summary_path, chapters_path, text_path in zip(dataset["novels"], pairs, summaries, chapters, texts, strict=True):
        candidates = list(read_rows(pairs_path))
        spans = {number: (row["start"], row["end"]) for number, row in enumerate(read_rows(chapters_path), 1)}
        placed, dropped = _place(candidates, spans, novel, dataset)
        for split, placed_pairs in placed.items():
            rows[split] += placed_pairs
        account[novel] = {
            "text": read_json(text_path),
            "pairs": read_json(summary_path),
            "rows": {split: len(placed_pairs) for split, placed_pairs in placed.items()},
            "rows_dropped": dropped,
        }
    if not rows["train"]:
        raise _nothing_kept(name, pairs)
    written = {
        split: [
            alpaca_row(pair, instructions=dataset["instruction"], systems=dataset["system"], seed=dataset["split"]["seed"])
            for pair in rows[split]
        ]
        for split in SPLITS
    }
    prose = {split: [row["input"] + row["output"] for row in written[split]] for split in SPLITS}
    check_no_leak(prose["train"], prose["test"] + prose["val"], where=f"dataset {name}")
    for split, path in zip(SPLITS, (train, val, test), strict=True):
        write_rows(path, written[split])
    write_json(info, dataset_info(name, SPLITS))
    totals = {split: len(written[split]) for split in SPLITS}
    write_json(ledger, {"dataset": name, "rows": totals, "shared_shingles": 0, "novels": account})
    logger.info("dataset %s: %s rows; passages shared between train and held-out chapters: 0", name, totals)


def _place(candidates: list[dict], spans: dict, novel: str, dataset: dict) -> tuple[dict[str, list[dict]], dict[str, int]]:
    """The kept pairs of one novel by split, and how many kept pairs find no place, by reason."""
    split = dataset["split"]
    kept = [pair for pair in candidates if pair["kept"]]
    wanted = [pair for pair in kept if dataset["lengths"] is None or pair["length"] in dataset["lengths"]]
    dropped = Counter({"length class not wanted": len(kept) - len(wanted)})
    placed: dict[str, list[dict]] = {name: [] for name in SPLITS}
    if wanted:
        chapters = sorted({pair["chapter"] for pair in wanted})
        assigned = split_chapters(chapters, val=split["val"], test=split["test"], seed=split["seed"], novel=novel)
        for pair in wanted:
            name = assigned[pair["chapter"]]
            if name == "train" and near_foreign_split(pair, spans, assigned, split["gap"]):
                dropped["too near a held-out chapter"] += 1
            else:
                placed[name].append(pair)
    return placed, {reason: count for reason, count in dropped.items() if count}


def _nothing_kept(name: str, pairs: list[str]) -> UserError:
    candidates = [row for path in pairs for row in read_rows(path)]
    scores = sorted(row["score"] for row in candidates if row["score"] is not None)
    reasons = Counter(row["dropped_because"] for row in candidates if not row["kept"])
    spread = f"scores from {scores[0]} to {scores[-1]}, median {statistics.median(scores)}" if scores else "none of them scored"
    return UserError(
        f"no pair is left to train on: {len(candidates)} candidate pairs, {spread}; dropped: {dict(reasons)}",
        where=f"dataset {name}, files {', '.join(pairs)}",
        remedy="lower pairs.threshold, ask more chunks (pairs.chunks_per_chapter, pairs.per_chunk), or look at the pairs' reasons",
    )


if __name__ == "__main__":
    run_job(build_dataset, snakemake)  # noqa: F821
