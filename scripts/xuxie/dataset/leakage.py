"""The proof that nothing held out was trained on: no passage of 50 characters stands on both sides."""

from collections.abc import Iterable

from xuxie.errors import UserError

SHINGLE = 50


def shingles(text: str) -> set[int]:
    """Hashes of every run of `SHINGLE` characters, white space left out."""
    dense = "".join(text.split())
    return {hash(dense[start : start + SHINGLE]) for start in range(len(dense) - SHINGLE + 1)}


def shared_shingles(train: Iterable[str], test: Iterable[str]) -> list[str]:
    """The shingles that stand in a training text and in a held-out one, in held-out order."""
    trained: set[int] = set()
    for text in train:
        trained |= shingles(text)
    found = []
    for text in test:
        dense = "".join(text.split())
        found += [run for start in range(len(dense) - SHINGLE + 1) if hash(run := dense[start : start + SHINGLE]) in trained]
    return found


def check_no_leak(train: Iterable[str], test: Iterable[str], *, where: str) -> None:
    """Stop the run if a passage was both trained on and held out.

    Raises:
        UserError: names the first shared passages.
    """
    shared = shared_shingles(train, test)
    if shared:
        raise UserError(
            f"{len(shared)} passages of {SHINGLE} characters stand in train and in test, the first: " + " | ".join(shared[:3]),
            where=where,
            remedy="a chapter or passage is repeated in the novel: remove the repetition, raise split.gap, or take another split.seed",
        )
