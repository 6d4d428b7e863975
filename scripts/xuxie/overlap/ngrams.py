"""Character n-grams, by which texts are compared, and how long they are for each purpose.

White space is left out first (`dense`): it differs between copies of the same text.
"""

from collections.abc import Iterator

DUPLICATE_NGRAM = 5
"""Near duplicates are found by the share of these that two texts have in common."""

VERBATIM_NGRAM = 10
"""What an LLM wrote agrees with the novel word for word from this length on: a match this long is seldom chance."""

CHAPTER_NGRAM = 12
"""Two chapters under one number are compared by these."""

LOOP_NGRAM = 12
"""A text that repeats these to its end goes round in circles."""

COPY_NGRAM = 30
"""An output copies its training text from this length on: a match this long is no chance."""

LEAK_NGRAM = 50
"""No held-out text of this length may have been trained on."""


def dense(text: str) -> str:
    """The text without white space."""
    return "".join(text.split())


def ngrams(text: str, n: int) -> Iterator[str]:
    """Every run of n characters, in order; none for a shorter text."""
    return (text[start : start + n] for start in range(len(text) - n + 1))
