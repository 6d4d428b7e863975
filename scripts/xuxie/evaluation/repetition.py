"""Going round in circles: how much of a text is said again.

seq-rep-n (Welleck et al., arXiv 1908.04319) and distinct-n (Li et al., arXiv 1510.03055), over
characters without white space, since Chinese has no spaces and a tokenizer's tokens would favour its own model.
"""

from itertools import pairwise


def dense(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


def ngrams(text: str, n: int) -> list[str]:
    """All runs of n characters."""
    return [text[start : start + n] for start in range(len(text) - n + 1)]


def seq_rep(text: str, n: int = 4) -> float | None:
    """Share of n-grams that stood in the text before: 0 for a text without repetition, near 1 for a loop; null if it is too short."""
    runs = ngrams(dense(text), n)
    return 1 - len(set(runs)) / len(runs) if runs else None


def distinct(text: str, n: int = 2) -> float | None:
    """Share of n-grams that are different ones."""
    repeated = seq_rep(text, n)
    return None if repeated is None else 1 - repeated


def longest_repeat(text: str) -> int:
    """Length of the longest run of characters that begins at two places of the text, white space left out.

    Two equal runs are common prefixes of neighbours among the sorted suffixes.
    """
    text = dense(text)
    suffixes = sorted(text[start:] for start in range(len(text)))
    return max((_common_prefix(a, b) for a, b in pairwise(suffixes)), default=0)


def _common_prefix(a: str, b: str) -> int:
    length = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        length += 1
    return length


def repetition_onset(text: str, run: int = 12) -> int | None:
    """Where a text begins to repeat itself for good: the offset of the first run of `run` characters, white space left out,
    that stood before and after which most of what follows has stood before as well; null if there is none.
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    packed = "".join(text[place] for place in places)
    seen: set[str] = set()
    again = []
    for gram in ngrams(packed, run):
        again.append(gram in seen)
        seen.add(gram)
    following = 0
    onset = None
    for start in range(len(again) - 1, -1, -1):
        following += again[start]
        if again[start] and following * 2 > len(again) - start:
            onset = start
    return None if onset is None else places[onset]
