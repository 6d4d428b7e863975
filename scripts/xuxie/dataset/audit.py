"""The ledger's sums, added up again from the files that it speaks of.

Nothing here shares code with what wrote the ledger: characters are counted by a sweep over spans, not by marking
them one by one, and pairs and rows by reading the files.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from xuxie.dataset.files import NovelFiles


@dataclass
class DatasetFiles:
    """What the files of a dataset hold: rows and whole texts by split, kept pairs in no row, and spans that are kept out."""

    rows: dict[str, list[dict]]
    texts: dict[str, list[dict]]
    unplaced: list[dict]
    untrained: list[dict]

    def of(self, novel: str) -> "DatasetFiles":
        """The part of one novel."""

        def own(rows: list[dict]) -> list[dict]:
            return [row for row in rows if row["novel"] == novel]

        return DatasetFiles(
            {split: own(rows) for split, rows in self.rows.items()},
            {split: own(texts) for split, texts in self.texts.items()},
            own(self.unplaced),
            own(self.untrained),
        )


@dataclass
class Sums:
    """Figures compared so far: what they are of, the ledger's figure, and the one from the files."""

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
        {str(key): count for key, count in _count(len(row["history"]) for row in every)},
    )
    for name, files in novels.items():
        part, own = ledger["novels"][name], dataset.of(name)
        _audit_text(sums, name, part, files)
        if part["pairs"]:
            _audit_chunks(sums, name, part["pairs"]["chunks"], files)
            _audit_pairs(sums, name, part["pairs"], files)
        _audit_rows(sums, name, part, files, own)
        _audit_characters(sums, name, part, files, own)
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
            split: dict(_count(row["cut_by"] for row in split_rows))
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
        dict(_count(row["because"] for row in own.unplaced)),
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


def _audit_characters(
    sums: Sums, name: str, part: dict, files: NovelFiles, own: DatasetFiles
) -> None:
    strip = swept(len(files.text), list(_claims(files, own)))
    found: dict[str, int] = defaultdict(int)
    for start, end, label in strip:
        found[label] += end - start
    kept = {split: found.pop(split, 0) for split in own.rows}
    account = part["characters"]
    sums.compare(f"{name}: the text from beginning to end", part["strip"], strip)
    sums.compare(f"{name}: characters in rows", account["kept"], kept)
    sums.compare(f"{name}: characters in no row", account["dropped"], dict(found))
    sums.compare(
        f"{name}: characters = kept + dropped",
        sum(account["kept"].values()) + sum(account["dropped"].values()),
        len(files.text),
    )
    _audit_coverage(sums, name, part["coverage"], strip, files, own)


def _audit_coverage(
    sums: Sums, name: str, part: dict, strip: list[list], files: NovelFiles, own: DatasetFiles
) -> None:
    elsewhere = {row["chapter"] for split in ("val", "test") for row in own.rows[split]}
    trained = {
        str(number): chapter
        for number, chapter in enumerate(files.chapters, 1)
        if number not in elsewhere
    }
    by_chapter = {
        number: _within(strip, chapter["start"], chapter["end"])
        for number, chapter in trained.items()
    }
    without: dict[str, int] = defaultdict(int)
    for found in by_chapter.values():
        for label, count in found.items():
            without[label] += count
    covered, size = (
        without.pop("train", 0),
        sum(chapter["end"] - chapter["start"] for chapter in trained.values()),
    )
    sums.compare(f"{name}: characters of training chapters", part["characters"], size)
    sums.compare(f"{name}: characters that carry loss", part["carrying_loss"], covered)
    sums.compare(
        f"{name}: share that carries loss", part["share"], covered / size if size else None
    )
    sums.compare(f"{name}: training characters without loss", part["without"], dict(without))
    sums.compare(
        f"{name}: coverage by chapter",
        {
            number: ({"train": found["carrying_loss"]} if found["carrying_loss"] else {})
            | found["without"]
            for number, found in part["chapters"].items()
        },
        by_chapter,
    )
    sums.compare(
        f"{name}: characters and share by chapter",
        {
            number: [found["characters"], found["share"]]
            for number, found in part["chapters"].items()
        },
        {
            number: [sum(found.values()), found.get("train", 0) / sum(found.values())]
            for number, found in by_chapter.items()
        },
    )
    held_back = sum(row["span"][1] - row["span"][0] for row in own.untrained)
    sums.compare(
        f"{name}: characters of the whole texts",
        sum(
            row["text"] == files.text[slice(*row["span"])] and len(row["text"])
            for row in own.texts["train_text"]
        ),
        size - held_back,
    )


def _within(strip: list[list], start: int, end: int) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for first, last, label in strip:
        if first < end and start < last:
            found[label] += min(last, end) - max(first, start)
    return dict(found)


def _claims(files: NovelFiles, own: DatasetFiles) -> Iterator[tuple[tuple, int, int, str]]:
    """Every span that something is said about: how much it counts, from where, to where, and what."""
    yield (0,), 0, len(files.text), "outside the chapters"
    for chapter in files.chapters:
        yield (1,), chapter["start"], chapter["end"], "in no row"
    unasked = {row["chunk"]: f"not asked about: {row['because']}" for row in files.unasked}
    failed = {row["chunk"]: f"failed: {row['failed']}" for row in files.failures}
    for chunk in files.chunks:
        label = failed.get(chunk["id"]) or unasked.get(chunk["id"]) or "asked about, in no pair"
        yield (2,), chunk["start"], chunk["end"], label
    reasons = {row["id"]: row["because"] for row in own.unplaced}
    for pair in files.pairs:
        if reason := pair["dropped_because"] or reasons.get(pair["id"]):
            rank = (3, pair["score"] or 0, pair["id"])
            yield (
                rank,
                pair["prompt_span"][0],
                pair["completion_span"][1],
                f"pair dropped: {reason}",
            )
    for row in own.untrained:
        yield (5,), *row["span"], row["because"]
    for split, rows in own.rows.items():
        for row in rows:
            # What an LLM has written is no part of the text.
            if row["output"] == files.text[slice(*row["completion_span"])]:
                yield (4,), *row["span"], "in prompts alone"
                yield (6,), *row["learnt"], split


def swept(length: int, claims: list[tuple[tuple, int, int, str]]) -> list[list]:
    """A text from its beginning to its end, as [start, end, label], where the claim of the highest rank has each character.

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
    strip: list[list] = []
    active: list[tuple[int, int]] = []
    for left, right in pairwise(edges):
        while starting and claims[starting[-1]][1] <= left:
            index = starting.pop()
            heapq.heappush(active, (-order[index], index))
        while claims[active[0][1]][2] <= left:
            heapq.heappop(active)
        label = claims[active[0][1]][3]
        if strip and strip[-1][2] == label:
            strip[-1][1] = right
        else:
            strip.append([left, right, label])
    return strip


def _count(values) -> list[tuple]:
    return sorted(Counter(values).items())
