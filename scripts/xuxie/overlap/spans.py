"""What spans of one text have in common."""

from collections.abc import Iterable

Span = tuple[int, int]


def covered(start: int, end: int, spans: Iterable[Span]) -> int:
    """How many characters of a span lie in any of the others."""
    count, reached = 0, start
    for other_start, other_end in sorted(spans):
        count += max(0, min(end, other_end) - max(reached, other_start))
        reached = max(reached, other_end)
    return count
