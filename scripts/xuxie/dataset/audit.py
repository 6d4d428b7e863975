"""The ledger's sums, added up again from the files that it speaks of.

Nothing here shares code with what wrote the ledger: characters are counted by a sweep over spans, not by marking
them one by one, and pairs and rows by reading the files.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass
class NovelFiles:
    """What the files of one novel hold, by the names that they have there."""

    text: str
    counts: dict
    chapters: list[dict]
    findings: dict
    chunks: list[dict]
    unasked: list[dict]
    failures: list[dict]
    pairs: list[dict]


@dataclass
class Sums:
    """Figures compared so far: what it is, the ledger's figure, and the one from the files."""

    entries: list[dict] = field(default_factory=list)

    def compare(self, what: str, ledger, files) -> None:
        """Note a pair of figures, or of figures by reason."""
        self.entries.append(
            {"what": what, "ledger": ledger, "files": files, "equal": ledger == files}
        )

    @property
    def differing(self) -> list[dict]:
        """The entries whose figures are not the same."""
        return [entry for entry in self.entries if not entry["equal"]]


def audit(
    ledger: dict, rows: dict[str, list[dict]], unplaced: list[dict], novels: dict[str, NovelFiles]
) -> Sums:
    """Compare every figure of a ledger with the files.

    Args:
        rows: the dataset's rows by split.
        unplaced: the kept pairs that are in no split.
        novels: the files of each novel, by its name.
    """
    sums = Sums()
    every = [row for split_rows in rows.values() for row in split_rows]
    sums.compare("novels", sorted(ledger["novels"]), sorted(novels))
    sums.compare(
        "rows by split",
        ledger["rows"],
        {split: len(split_rows) for split, split_rows in rows.items()},
    )
    sums.compare("rows, each pair once", len(every), len({row["id"] for row in every}))
    sums.compare(
        "rows by earlier turns",
        dict(ledger["turns"]),
        {str(key): count for key, count in _count(len(row["history"]) for row in every)},
    )
    for name, files in novels.items():
        own = {
            split: [row for row in split_rows if row["novel"] == name]
            for split, split_rows in rows.items()
        }
        left = [row for row in unplaced if row["novel"] == name]
        part = ledger["novels"][name]
        _audit_text(sums, name, part, files)
        _audit_chunks(sums, name, part["pairs"]["chunks"], files)
        _audit_pairs(sums, name, part["pairs"], files)
        _audit_rows(sums, name, part, files, own, left)
        _audit_characters(sums, name, part["characters"], files, own, left)
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
    sums.compare(
        f"{name}: characters in chunks",
        sum(chunk["end"] - chunk["start"] for chunk in files.chunks),
        chapters,
    )


def _audit_chunks(sums: Sums, name: str, part: dict, files: NovelFiles) -> None:
    asked = {row["chunk"] for row in [*files.pairs, *files.failures]}
    unasked = [row["chunk"] for row in files.unasked]
    sums.compare(f"{name}: chunks", part["all"], len(files.chunks))
    sums.compare(f"{name}: chunks asked about", part["asked"], len(asked))
    sums.compare(
        f"{name}: chunks not asked about",
        part["not_asked"],
        dict(_count(row["because"] for row in files.unasked)),
    )
    sums.compare(
        f"{name}: chunks, each asked about or not",
        part["all"],
        len(asked.symmetric_difference(unasked)),
    )


def _audit_pairs(sums: Sums, name: str, part: dict, files: NovelFiles) -> None:
    kept = sum(pair["kept"] for pair in files.pairs)
    dropped = dict(_count(pair["dropped_because"] for pair in files.pairs if not pair["kept"]))
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


def _audit_rows(
    sums: Sums,
    name: str,
    part: dict,
    files: NovelFiles,
    rows: dict[str, list[dict]],
    unplaced: list[dict],
) -> None:
    kept = {pair["id"]: pair for pair in files.pairs if pair["kept"]}
    faithful = [
        row
        for split_rows in rows.values()
        for row in split_rows
        if row["id"] in kept
        and (row["input"], row["output"])
        == (kept[row["id"]]["prompt"], kept[row["id"]]["completion"])
    ]
    placed = sum(map(len, rows.values()))
    sums.compare(
        f"{name}: rows by split",
        part["rows"],
        {split: len(split_rows) for split, split_rows in rows.items()},
    )
    sums.compare(f"{name}: rows that are kept pairs, word for word", placed, len(faithful))
    sums.compare(
        f"{name}: kept pairs in no row",
        part["rows_dropped"],
        dict(_count(row["because"] for row in unplaced)),
    )
    sums.compare(
        f"{name}: pairs kept = rows + pairs in no row",
        len(kept),
        placed + len({row["id"] for row in unplaced}),
    )


def _audit_characters(
    sums: Sums,
    name: str,
    part: dict,
    files: NovelFiles,
    rows: dict[str, list[dict]],
    unplaced: list[dict],
) -> None:
    found = swept(len(files.text), list(_claims(files, rows, unplaced)))
    kept = {split: found.pop(split, 0) for split in rows}
    sums.compare(f"{name}: characters in rows", part["kept"], kept)
    sums.compare(f"{name}: characters in no row", part["dropped"], found)
    sums.compare(
        f"{name}: characters = kept + dropped",
        sum(part["kept"].values()) + sum(part["dropped"].values()),
        len(files.text),
    )


def _claims(
    files: NovelFiles, rows: dict[str, list[dict]], unplaced: list[dict]
) -> Iterator[tuple[tuple, int, int, str]]:
    """Every span that something is said about: how much it counts, from where, to where, and what."""
    yield (0,), 0, len(files.text), "outside the chapters"
    unasked = {row["chunk"]: f"not asked about: {row['because']}" for row in files.unasked}
    failed = {row["chunk"]: f"failed: {row['failed']}" for row in files.failures}
    for chunk in files.chunks:
        label = failed.get(chunk["id"]) or unasked.get(chunk["id"]) or "asked about, in no pair"
        yield (1,), chunk["start"], chunk["end"], label
    reasons = {row["id"]: row["because"] for row in unplaced}
    for pair in files.pairs:
        if reason := pair["dropped_because"] or reasons.get(pair["id"]):
            rank = (2, pair["score"] or 0, pair["id"])
            yield (
                rank,
                pair["prompt_span"][0],
                pair["completion_span"][1],
                f"pair dropped: {reason}",
            )
    for rank, (split, split_rows) in enumerate(rows.items(), 3):
        for row in split_rows:
            yield (rank,), *row["span"], split


def swept(length: int, claims: list[tuple[tuple, int, int, str]]) -> dict[str, int]:
    """How many characters of a text each label gets, where the claim of the highest rank has it.

    Args:
        length: of the text.
        claims: (rank, start, end, label).
    """
    order = {
        index: place
        for place, index in enumerate(
            sorted(range(len(claims)), key=lambda index: claims[index][0])
        )
    }
    starting = sorted(range(len(claims)), key=lambda index: claims[index][1], reverse=True)
    edges = sorted({0, length, *(edge for _, start, end, _ in claims for edge in (start, end))})
    totals: dict[str, int] = defaultdict(int)
    active: list[tuple[int, int]] = []
    for left, right in pairwise(edges):
        while starting and claims[starting[-1]][1] <= left:
            index = starting.pop()
            heapq.heappush(active, (-order[index], index))
        while claims[active[0][1]][2] <= left:
            heapq.heappop(active)
        totals[claims[active[0][1]][3]] += right - left
    return dict(totals)


def _count(values) -> list[tuple]:
    return sorted(Counter(values).items())
