"""Which of several pairs comes first."""

from collections.abc import Iterable


def best_first(pairs: Iterable[dict]) -> list[dict]:
    """The better scored pair first; ties by id."""
    return sorted(pairs, key=lambda pair: (-(pair["score"] or 0), pair["id"]))
