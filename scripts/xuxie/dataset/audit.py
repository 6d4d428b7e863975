"""The ledger's sums, added up again from the files that it is about.

Nothing here shares code with what wrote the ledger: pairs and rows are read from the files, and characters are counted by
a sweep over spans, not by marking them one by one.
"""

from collections import Counter, defaultdict

from xuxie.dataset.character_audit import audit_characters
from xuxie.dataset.files import DatasetFiles, NovelFiles
from xuxie.dataset.sums import Sums


def audit(ledger: dict, dataset: DatasetFiles, novels: dict[str, NovelFiles]) -> Sums:
    """Compare every figure of a ledger with the files.

    Args:
        novels: the files of each novel, by its name.
    """
    sums = Sums()
    every = [row for rows in dataset.rows.values() for row in rows]
    sums.compare("novels", sorted(ledger["novels"]), sorted(novels))
    sums.compare(
        "rows by split",
        ledger["rows"],
        {split: len(rows) for split, rows in dataset.rows.items()},
    )
    sums.compare("rows, each passage once", len(every), len({row["id"] for row in every}))
    sums.compare(
        "rows by earlier turns",
        dict(ledger["turns"]),
        {str(key): count for key, count in _counted(len(row["history"]) for row in every)},
    )
    for what in ("state", "outline"):
        sums.compare(
            f"rows that are told: {what}",
            ledger["told"][what],
            {split: sum(bool(row[what]) for row in rows) for split, rows in dataset.rows.items()},
        )
    sums.compare(
        "training rows with the line that they are told",
        sum(bool(row[what]) for what in ("state", "outline") for row in dataset.rows["train"]),
        sum(
            bool(row[what]) and row[what] in row["instruction"].split("\n")
            for what in ("state", "outline")
            for row in dataset.rows["train"]
        ),
    )
    for name, files in novels.items():
        part, own = ledger["novels"][name], dataset.of(name)
        _audit_text(sums, name, part, files)
        if part["pairs"]:
            _audit_chunks(sums, name, part["pairs"]["chunks"], files)
            _audit_pairs(sums, name, part["pairs"], files)
        _audit_rows(sums, name, part, files, own)
        audit_characters(sums, name, part, files, own)
    return sums


def _audit_text(sums: Sums, name: str, part: dict, files: NovelFiles) -> None:
    source, steps = part["source"], files.counts["steps"].values()
    sums.compare(
        f"{name}: characters decoded",
        source["decoded"],
        sum(entry["characters"] for entry in files.counts["sources"]),
    )
    for what in ("added", "removed"):
        sums.compare(
            f"{name}: characters {what} by the steps",
            source[what],
            sum(step[what] for step in steps),
        )
    sums.compare(f"{name}: places and characters by step", source["steps"], files.counts["steps"])
    sums.compare(f"{name}: characters kept by the steps", source["kept"], len(files.text))
    sums.compare(
        f"{name}: characters decoded + added - removed",
        source["decoded"] + source["added"] - source["removed"],
        len(files.text),
    )
    chapters = sum(chapter["end"] - chapter["start"] for chapter in files.chapters)
    account = files.findings["characters"]
    sums.compare(f"{name}: characters in chapters", account["chapters"], chapters)
    sums.compare(
        f"{name}: characters in chapters and elsewhere",
        sum(account.values()) - account["text"],
        len(files.text),
    )


def _audit_chunks(sums: Sums, name: str, part: dict, files: NovelFiles) -> None:
    asked = {row["chunk"] for row in [*files.pairs, *files.failures]}
    unasked = [row["chunk"] for row in files.unasked]
    sums.compare(
        f"{name}: characters in chunks",
        sum(chunk["end"] - chunk["start"] for chunk in files.chunks),
        sum(chapter["end"] - chapter["start"] for chapter in files.chapters),
    )
    sums.compare(f"{name}: chunks", part["all"], len(files.chunks))
    sums.compare(f"{name}: chunks asked about", part["asked"], len(asked))
    sums.compare(
        f"{name}: chunks not asked about",
        part["not_asked"],
        dict(_counted(row["because"] for row in files.unasked)),
    )
    sums.compare(
        f"{name}: chunks, each asked about or not",
        part["all"],
        len(asked.symmetric_difference(unasked)),
    )


def _audit_pairs(sums: Sums, name: str, part: dict, files: NovelFiles) -> None:
    kept = sum(pair["kept"] for pair in files.pairs)
    dropped = dict(_counted(pair["dropped_because"] for pair in files.pairs if not pair["kept"]))
    failed: dict[str, int] = defaultdict(int)
    for row in files.failures:
        failed[row["failed"]] += row["pairs"]
    sums.compare(f"{name}: pairs proposed", part["candidates"], len(files.pairs))
    sums.compare(f"{name}: pairs kept", part["kept"], kept)
    sums.compare(f"{name}: pairs dropped", part["dropped"], dropped)
    sums.compare(f"{name}: pairs failed", part["failed"], dict(failed))
    sums.compare(
        f"{name}: pairs asked for = kept + dropped + failed",
        part["asked"],
        kept + sum(dropped.values()) + sum(failed.values()),
    )
    for stage in ("asked", "candidates", "kept"):
        sums.compare(
            f"{name}: pairs {stage}, over all lengths",
            part[stage],
            sum(length[stage] for length in part["lengths"].values()),
        )


def _audit_rows(sums: Sums, name: str, part: dict, files: NovelFiles, own: DatasetFiles) -> None:
    kept = {pair["id"]: pair for pair in files.pairs if pair["kept"]}
    rows = [row for split_rows in own.rows.values() for row in split_rows]
    headed = {chapter["start"] for chapter in files.chapters}
    sums.compare(
        f"{name}: rows by split",
        part["rows"],
        {split: len(split_rows) for split, split_rows in own.rows.items()},
    )
    sums.compare(
        f"{name}: rows by who cut them",
        part["rows_cut_by"],
        {
            split: dict(_counted(row["cut_by"] for row in split_rows))
            for split, split_rows in own.rows.items()
        },
    )
    sums.compare(
        f"{name}: rows that are kept pairs or the novel's text, word for word",
        len(rows),
        sum(_faithful(row, files.text, headed, kept.get(row["id"])) for row in rows),
    )
    sums.compare(
        f"{name}: kept pairs in no row",
        part["rows_dropped"],
        dict(_counted(row["because"] for row in own.unplaced)),
    )
    sums.compare(
        f"{name}: pairs kept = rows of pairs + pairs in no row",
        len(kept),
        sum(row["id"] in kept for row in rows) + len({row["id"] for row in own.unplaced}),
    )


def _faithful(row: dict, text: str, headed: set[int], pair: dict | None) -> bool:
    """Whether a row's completion is that of its pair, or of the text; and its prompt too, or the heading where a chapter begins."""
    if pair and (row["input"], row["output"]) == (pair["prompt"], pair["completion"]):
        return True
    start, end = row["completion_span"]
    prompt = text[slice(*row["prompt_span"])]
    said = row["input"] == prompt or (not prompt and start in headed)
    chosen = pair is None or pair["completion_span"] == row["completion_span"]
    return said and chosen and row["output"] == text[start:end] and row["prompt_span"][1] == start


def _counted(values) -> list[tuple]:
    return sorted(Counter(values).items())
