"""Shorten rows beyond the longest sequence that is trained, and say what was cut.

Left to itself LLaMA-Factory cuts prompt and completion at their ends: that drops the words a continuation
depends on most, and the token that says where to stop.
"""

from collections.abc import Callable

from xuxie.text.sentences import sentences


def fit(row: dict, length: Callable[[dict], int], cutoff: int) -> dict | None:
    """Shorten what lies farthest from the completion, sentence by sentence, until the row fits.

    The oldest turns of the history go first, then the first sentences of the input; its last sentence, the
    instruction and the completion are never touched.

    Args:
        row: an Alpaca row.
        length: the length of a row, in tokens.
        cutoff: the longest row, in tokens.

    Returns:
        the row itself if it fits, a shortened copy, or None if even the shortest form is too long.
    """
    if length(row) <= cutoff:
        return row
    shorter = [
        {**row, "history": row["history"][turn:]} for turn in range(1, len(row["history"]) + 1)
    ]
    starts = [start for start, _ in sentences(row["input"])][1:]
    shorter += [{**row, "history": [], "input": row["input"][start:]} for start in starts]
    # Each is shorter than the one before: find the first that fits.
    first, last = 0, len(shorter)
    while first < last:
        middle = (first + last) // 2
        if length(shorter[middle]) <= cutoff:
            last = middle
        else:
            first = middle + 1
    return shorter[first] if first < len(shorter) else None


def cut_between(row: dict, fitted: dict) -> dict:
    """What was taken from a row: turns of the history and characters of the input."""
    return {
        "turns": len(row["history"]) - len(fitted["history"]),
        "characters": len(row["input"]) - len(fitted["input"]),
    }
