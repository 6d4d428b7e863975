"""The ledger's account of characters, added up again by a sweep over spans."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from xuxie.dataset.files import DatasetFiles, NovelFiles
from xuxie.dataset.sums import Sums


def audit_characters(
    sums: Sums, name: str, part: dict, files: NovelFiles, own: DatasetFiles
) -> None:
    """Compare the account of a novel, `part` of the ledger, with what its text and the dataset's rows add up to."""
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
    _audit_chapters(sums, name, part["chapters"], by_chapter)
    held_back = sum(row["span"][1] - row["span"][0] for row in own.untrained)
    sums.compare(
        f"{name}: characters of the whole texts",
        sum(
            row["text"] == files.text[slice(*row["span"])] and len(row["text"])
            for row in own.texts["train_text"]
        ),
        size - held_back,
    )


def _audit_chapters(
    sums: Sums, name: str, chapters: dict, by_chapter: dict[str, dict[str, int]]
) -> None:
    sums.compare(
        f"{name}: coverage by chapter",
        {
            number: ({"train": found["carrying_loss"]} if found["carrying_loss"] else {})
            | found["without"]
            for number, found in chapters.items()
        },
        by_chapter,
    )
    sums.compare(
        f"{name}: characters and share by chapter",
        {number: [found["characters"], found["share"]] for number, found in chapters.items()},
        {
            number: [sum(found.values()), found.get("train", 0) / sum(found.values())]
            for number, found in by_chapter.items()
        },
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
