"""Stretches of chapters that may be trained on: what is left once holes are taken out, in whole sentences."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass
class Usable:
    """One chapter, and what of it may become rows.

    Args:
        edges: where the chapter's first sentence begins and where each one ends.
    """

    edges: Sequence[int]
    holes: list[tuple[Span, str]] = field(default_factory=list)
    """What may not, and why, in the order in which it was found; no two overlap."""

    @property
    def stretches(self) -> list[Span]:
        """What is left, in order."""
        return without((self.edges[0], self.edges[-1]), [span for span, _ in self.holes])

    def leave_out(self, start: int, end: int, because: str) -> None:
        """Take out all sentences that a span touches and that are still there."""
        first = self.edges[max(bisect_right(self.edges, start) - 1, 0)]
        last = self.edges[min(bisect_left(self.edges, end), len(self.edges) - 1)]
        taken = [span for span, _ in self.holes]
        self.holes += [(span, because) for span in without((first, last), taken)]

    def stretch_of(self, start: int, end: int) -> Span | None:
        """The stretch that a span lies in."""
        return next((span for span in self.stretches if span[0] <= start and end <= span[1]), None)

    def why_not(self, start: int, end: int) -> str:
        """The reason of the first hole that a span lies in, wholly or in part."""
        return next(
            why for (left, right), why in sorted(self.holes) if left < end and start < right
        )


def without(span: Span, holes: Iterable[Span]) -> list[Span]:
    """The parts of a span that no hole covers, in order."""
    parts, reached = [], span[0]
    for start, end in sorted(holes):
        if start >= span[1]:
            break
        if start > reached:
            parts.append((reached, start))
        reached = max(reached, end)
    return [*parts, (reached, span[1])] if reached < span[1] else parts
