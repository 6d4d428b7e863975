"""Rule build_dataset: kept pairs of one or more novels become Alpaca files and a registry."""

import logging
import statistics
from collections import Counter
from dataclasses import dataclass, field

from xuxie.dataset.alpaca import alpaca_row, dataset_info, prose
from xuxie.dataset.ledger import account_for_characters
from xuxie.dataset.split import SPLITS, Gap, split_chapters
from xuxie.errors import UserError
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, read_rows, write_json, write_rows
from xuxie.overlap.duplicates import Duplicates
from xuxie.overlap.leakage import Texts, check_no_leak, leaking_rows
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


@dataclass
class Placed:
    """One novel's length in characters, its candidate pairs, its rows by split, and why each kept pair that is in no split is not."""

    characters: int
    candidates: list[dict]
    rows: dict[str, list[dict]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    dropped: dict[str, str] = field(default_factory=dict)


def build_dataset(
    pairs: list[str],
    summaries: list[str],
    failures: list[str],
    unasked: list[str],
    chunks: list[str],
    chapters: list[str],
    texts: list[str],
    counts: list[str],
    train: str,
    val: str,
    test: str,
    unplaced: str,
    info: str,
    ledger: str,
    *,
    name: str,
    dataset: dict,
) -> None:
    """Split by chapter, keep a gap, word the rows, prove that nothing leaks, and account for everything.

    Args:
        pairs, summaries, failures, unasked, chunks, chapters, texts, counts: for each novel of the dataset, in its order:
            pairs.jsonl, pairs.json, failures.jsonl, unasked.jsonl, chunks.jsonl, chapters.jsonl, text.txt and text.json.
        unplaced: the kept pairs that are in no split, and why.
        dataset: the dataset's entry in the config.
    """
    placed: dict[str, Placed] = {}
    elsewhere = Duplicates(dataset["near_duplicate"])
    for novel, pairs_path, chapters_path, text_path in zip(
        dataset["novels"], pairs, chapters, texts, strict=True
    ):
        placed[novel] = _place(
            list(read_rows(pairs_path)),
            list(read_rows(chapters_path)),
            read_text(text_path),
            novel,
            dataset,
            elsewhere,
        )
    if dataset["split"]["on_leak"] == "drop":
        _drop_leaking(placed)
    rows = {
        split: [row for part in placed.values() for row in part.rows[split]] for split in SPLITS
    }
    if not rows["train"]:
        raise _nothing_kept(name, placed)
    leak = check_no_leak(
        _texts(rows["train"]), _texts(rows["val"] + rows["test"]), where=f"dataset {name}"
    )
    for split, path in zip(SPLITS, (train, val, test), strict=True):
        write_rows(path, rows[split])
    write_rows(
        unplaced,
        (
            {"id": pair, "novel": novel, "because": reason}
            for novel, part in placed.items()
            for pair, reason in part.dropped.items()
        ),
    )
    write_json(info, dataset_info(name, SPLITS))
    account = {}
    for index, (novel, part) in enumerate(placed.items()):
        source = read_json(counts[index])
        account[novel] = {
            "source": {**source["characters"], "steps": source["steps"]},
            "characters": account_for_characters(
                part.characters,
                chunks=read_rows(chunks[index]),
                unasked=read_rows(unasked[index]),
                failures=read_rows(failures[index]),
                dropped=[
                    (pair, why)
                    for pair in part.candidates
                    if (why := pair["dropped_because"] or part.dropped.get(pair["id"]))
                ],
                rows=part.rows,
            ),
            "pairs": read_json(summaries[index]),
            "rows": {split: len(part.rows[split]) for split in SPLITS},
            "rows_dropped": dict(Counter(part.dropped.values())),
        }
    totals = {split: len(rows[split]) for split in SPLITS}
    turns = Counter(len(row["history"]) for split in SPLITS for row in rows[split])
    write_json(
        ledger,
        {
            "dataset": name,
            "rows": totals,
            "turns": dict(sorted(turns.items())),
            "shared_shingles": leak["shared"],
            "novels": account,
        },
    )
    logger.info("dataset %s: %s rows, by earlier turns: %s", name, totals, dict(turns))
    logger.info(
        "passages of 50 characters: %(trained)d trained on, %(held_out)d held out, %(shared)d shared",
        leak,
    )
    for novel, part in account.items():
        logger.info("characters of %s: %s", novel, part["characters"])


def _place(
    candidates: list[dict],
    chapters: list[dict],
    text: str,
    novel: str,
    dataset: dict,
    elsewhere: Duplicates,
) -> Placed:
    """Put each kept pair of a novel into a split, or note why it finds no place.

    Args:
        elsewhere: the completions of the novels before it in the dataset; those of this one are added.
    """
    placed = Placed(len(text), candidates)
    wanted = []
    for pair in (pair for pair in candidates if pair["kept"]):
        if dataset["lengths"] is not None and pair["length"] not in dataset["lengths"]:
            placed.dropped[pair["id"]] = "length class not wanted"
        elif kind := elsewhere.kind_of(pair["completion"]):
            placed.dropped[pair["id"]] = f"{kind} completion in another novel"
        else:
            wanted.append(pair)
    for pair in wanted:
        elsewhere.add(pair["completion"])
    if not wanted:
        return placed
    split = dataset["split"]
    spans = {number: (row["start"], row["end"]) for number, row in enumerate(chapters, 1)}
    with_pairs = sorted({pair["chapter"] for pair in wanted})
    assigned = split_chapters(
        with_pairs, val=split["val"], test=split["test"], seed=split["seed"], novel=novel
    )
    gap = Gap(
        [spans[chapter] for chapter in with_pairs if assigned[chapter] != "train"], split["gap"]
    )
    for pair in wanted:
        name, start = assigned[pair["chapter"]], pair["prompt_span"][0]
        earliest = spans[pair["chapter"]][0]
        if name == "train":
            if not gap.admits(start, pair["completion_span"][1]):
                placed.dropped[pair["id"]] = "too near a held-out chapter"
                continue
            earliest = max(earliest, gap.clear_from(start))
        row = alpaca_row(
            pair, text=text, earliest=earliest, instructions=dataset["instruction"], systems=dataset["system"],
            turns=dataset["history"], seed=split["seed"],
        )  # fmt: skip
        placed.rows[name].append(row)
    return placed


def _drop_leaking(placed: dict[str, Placed]) -> None:
    """Leave out the training rows that have a passage in common with a held-out row of any novel."""
    rows = {
        split: [row for part in placed.values() for row in part.rows[split]] for split in SPLITS
    }
    leaking = leaking_rows(_texts(rows["train"]), _texts(rows["val"] + rows["test"]))
    for part in placed.values():
        part.dropped |= {
            row["id"]: "shares a passage with a held-out row"
            for row in part.rows["train"]
            if row["id"] in leaking
        }
        part.rows["train"] = [row for row in part.rows["train"] if row["id"] not in leaking]


def _texts(rows: list[dict]) -> Texts:
    return Texts([row["id"] for row in rows], [prose(row) for row in rows])


def _nothing_kept(name: str, placed: dict[str, Placed]) -> UserError:
    candidates = [pair for part in placed.values() for pair in part.candidates]
    scores = sorted(pair["score"] for pair in candidates if pair["score"] is not None)
    reasons = Counter(pair["dropped_because"] for pair in candidates if not pair["kept"])
    reasons.update(reason for part in placed.values() for reason in part.dropped.values())
    spread = (
        f"scores from {scores[0]} to {scores[-1]}, median {statistics.median(scores)}"
        if scores
        else "none of them scored"
    )
    return UserError(
        f"no pair is left to train on: {len(candidates)} candidate pairs, {spread}; dropped: {dict(reasons)}",
        where=f"dataset {name}, novels {', '.join(placed)}",
        remedy="lower pairs.threshold, ask more chunks (pairs.chunks_per_chapter, pairs.per_chunk), or look at the pairs' reasons",
    )


if __name__ == "__main__":
    run_job(build_dataset, snakemake)
