"""Going round in circles: how much of a text is said again.

seq-rep-n (Welleck et al., arXiv 1908.04319) and distinct-n (Li et al., arXiv 1510.03055), over
characters without white space, since Chinese has no spaces and a tokenizer's tokens would favour its own model.
"""

from itertools import pairwise

from xuxie.overlap.ngrams import LOOP_NGRAM, dense, ngrams
from xuxie.overlap.prefixes import common_prefix


def repeated(text: str, n: int = 4) -> tuple[int, int]:
    """How many n-grams stood in the text before, and how many there are."""
    runs = list(ngrams(dense(text), n))
    return len(runs) - len(set(runs)), len(runs)


def different(text: str, n: int = 2) -> tuple[int, int]:
    """How many different n-grams there are, and how many in all."""
    again, count = repeated(text, n)
    return count - again, count


def seq_rep(text: str, n: int = 4) -> float | None:
    """Share of n-grams that stood in the text before: 0 for a text without repetition, near 1 for a loop; null if it is too short."""
    again, count = repeated(text, n)
    return again / count if count else None


def distinct(text: str, n: int = 2) -> float | None:
    """Share of n-grams that are different ones; null if the text is too short."""
    own, count = different(text, n)
    return own / count if count else None


def longest_repeat(text: str) -> int:
    """Length of the longest run of characters that begins at two places of the text, white space left out.

    Two equal runs are common prefixes of neighbours among the sorted suffixes.
    """
    text = dense(text)
    suffixes = sorted(text[start:] for start in range(len(text)))
    return max((common_prefix(a, b) for a, b in pairwise(suffixes)), default=0)


def repetition_onset(text: str, run: int = LOOP_NGRAM) -> int | None:
    """Where a text begins to go round in circles for good; null if it does not.

    A run of `run` characters, white space left out, speaks for going round if it stood before, and against it
    if it is new. The onset is where the rest of the text speaks for it most, provided that it does so by `run` at least.
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    seen: set[str] = set()
    again = []
    for gram in ngrams("".join(text[place] for place in places), run):
        again.append(gram in seen)
        seen.add(gram)
    onset, excess, most = None, 0, run - 1
    for start in range(len(again) - 1, -1, -1):
        excess += 1 if again[start] else -1
        if excess > most:
            onset, most = start, excess
    return None if onset is None else places[onset]
