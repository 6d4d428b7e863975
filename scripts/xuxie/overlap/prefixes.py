"""What two sequences have in common at their beginnings."""

from collections.abc import Sequence


def common_prefix(one: Sequence, other: Sequence) -> int:
    """How many tokens, or characters, two sequences have in common at their beginnings."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
