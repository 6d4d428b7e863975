"""What is odd about a novel's chapters once they are cut into rows: no fault, but worth a look."""

from collections.abc import Sequence
from itertools import pairwise

from xuxie.dataset.stretches import Usable
from xuxie.dataset.tiling import Size

SAYINGS = {
    "short_chapters": "{count} chapters, the first of them chapter {first}, are shorter than the shortest completion of {bound} characters: each is one row",
    "no_paragraphs": "{count} chapters, the first of them chapter {first}, have no paragraphs in more than {bound} characters: they are cut between sentences",
    "long_sentences": "{count} chapters, the first of them chapter {first}, have sentences beyond the longest completion of {bound} characters: these are cut between clauses",
}
"""What is noted, in words."""


def notes(text: str, usable: dict[int, Usable], sizes: Sequence[Size]) -> list[dict]:
    """For each kind of oddity: in how many chapters it occurs, the first of them, and the bound that they cross.

    Args:
        usable: the chapters by number.
    """
    shortest = min(size.characters[0] for size in sizes)
    longest = max(size.characters[1] for size in sizes)
    found: dict[str, list[int]] = {kind: [] for kind in SAYINGS}
    for number, chapter in usable.items():
        start, end = chapter.edges[0], chapter.edges[-1]
        if end - start < shortest:
            found["short_chapters"].append(number)
        if end - start > longest and "\n" not in text[start:end].strip():
            found["no_paragraphs"].append(number)
        if any(last - first > longest for first, last in pairwise(chapter.edges)):
            found["long_sentences"].append(number)
    bounds = {"short_chapters": shortest, "no_paragraphs": longest, "long_sentences": longest}
    return [
        {"what": kind, "count": len(numbers), "first": numbers[0], "bound": bounds[kind]}
        for kind, numbers in found.items()
        if numbers
    ]
