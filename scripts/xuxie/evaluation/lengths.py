"""The one length at which texts are compared, and its quarters."""

from collections.abc import Sequence

from xuxie.sampling.authors import HUMAN, text_of

QUARTERS = 4

SHORTEST_QUARTER = 200
"""Characters: of less nothing can be said, and longer texts are a matter of `sampling.target_chars`."""


def longest_of_most(lengths: Sequence[int]) -> int:
    """Of several texts' lengths the one at which, once they are cut to it and shorter ones left out, most text remains; 0 of none."""
    return max(
        lengths,
        key=lambda length: (length * sum(other >= length for other in lengths), length),
        default=0,
    )


def bounds_of_quarters(length: int) -> list[tuple[int, int]]:
    """Where each quarter of so many characters begins and ends."""
    edges = [length * number // QUARTERS for number in range(QUARTERS + 1)]
    return list(zip(edges[:-1], edges[1:], strict=True))


def systems_of(samples: Sequence[dict]) -> list[str]:
    """The author, and everybody who was asked, in the order of the rows of samples.jsonl."""
    return [HUMAN, *dict.fromkeys(system for sample in samples for system in sample["outputs"])]


def followed_length(samples: Sequence[dict], target: int) -> int:
    """The length at which continuations are followed by quarter; 0 where they are too short for it.

    Args:
        samples: the rows of samples.jsonl.
        target: the length that was asked for; 0 for none.
    """
    sizes = [len(text_of(sample, name) or "") for name in systems_of(samples) for sample in samples]
    length = longest_of_most([min(size, target or size) for size in sizes])
    return length if length >= SHORTEST_QUARTER * QUARTERS else 0
