"""Which texts say the same: exactly, or nearly."""

from rensa import RMinHash, RMinHashLSH

from xuxie.overlap.ngrams import DUPLICATE_NGRAM, dense, ngrams

_PERMUTATIONS, _BANDS = 128, 32


class Duplicates:
    """Texts seen so far, and whether a new one repeats one of them.

    MinHash finds texts that may be alike; the Jaccard index of their n-grams, taken exactly, decides. With 32 bands of 4
    hashes a near duplicate is found with probability 1 - (1 - J^4)^32: 0.987 at J = 0.6, above 0.9999 from 0.75 on.

    Args:
        near: the Jaccard index from which on two texts are near duplicates; at 1 only equal ones are duplicates.
    """

    def __init__(self, near: float):
        self._near = near
        self._equal: set[str] = set()
        self._texts: list[str] = []
        self._index = RMinHashLSH(threshold=near, num_perm=_PERMUTATIONS, num_bands=_BANDS)

    def kind_of(self, text: str) -> str | None:
        """How a text repeats one that was added: "duplicate", "near duplicate", or None for a new one. White space makes no difference."""
        packed = dense(text)
        if packed in self._equal:
            return "duplicate"
        if self._near < 1:
            own = grams(packed)
            for key in self._index.query(_minhash(own)):
                if jaccard(own, grams(self._texts[key])) >= self._near:
                    return "near duplicate"
        return None

    def add(self, text: str) -> None:
        """Remember a text."""
        packed = dense(text)
        self._equal.add(packed)
        if self._near < 1:
            self._index.insert(len(self._texts), _minhash(grams(packed)))
        self._texts.append(packed)


def grams(text: str) -> set[str]:
    """The n-grams that two texts are compared by; a text shorter than one n-gram counts as one."""
    return set(ngrams(text, DUPLICATE_NGRAM)) or {text}


def jaccard(one: set[str], other: set[str]) -> float:
    """The size of the intersection of two sets over that of their union."""
    return len(one & other) / len(one | other)


def _minhash(grams: set[str]) -> RMinHash:
    minhash = RMinHash(num_perm=_PERMUTATIONS, seed=0)
    minhash.update(sorted(grams))
    return minhash
