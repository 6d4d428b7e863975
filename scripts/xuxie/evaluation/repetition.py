"""Going round in circles: how much of a text is said again.

seq-rep-n (Welleck et al., arXiv 1908.04319) and distinct-n (Li et al., arXiv 1510.03055), over
characters without white space, since Chinese has no spaces and a tokenizer's tokens would favour its own model.
"""

from itertools import pairwise

from xuxie.overlap.ngrams import LOOP_NGRAM, dense, ngrams


def seq_rep(text: str, n: int = 4) -> float | None:
    """Share of n-grams that stood in the text before: 0 for a text without repetition, near 1 for a loop; null if it is too short."""
    runs = list(ngrams(dense(text), n))
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
