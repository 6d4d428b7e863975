"""Burrows' Delta (Literary and Linguistic Computing 17(3), 2002): how far a text's use of function characters is from the author's.

A function character says little about the plot and much about the hand. Each one's frequency is
taken as a z-score over the author's own chapters; Delta is the mean absolute difference of z-scores.
A short text has a large Delta by chance alone: compare with the true continuation's own Delta,
which has the same length or nearly so.
"""

from collections.abc import Sequence

import numpy as np

FUNCTION_CHARACTERS = (
    "的一是不了在有我他她它这那就也都而和与及或但却又再还才便且乃其之以于为把被让给对从到向往着过得地吗呢吧啊呀哦么什怎谁哪没很太更最只已曾将要会能可若如因所"
    "上下里外前后来去起出，。！？：；、…—“”「」"
)


class Style:
    """The author's hand.

    Args:
        chapters: the author's text in pieces (chapters). With one alone, or a text that is not Chinese, nothing can be said.
        held_out: the author's text that outputs are measured against.
    """

    def __init__(self, chapters: Sequence[str], held_out: str):
        frequencies = np.stack([_frequencies(chapter) for chapter in chapters])
        spread = (
            frequencies.std(axis=0, ddof=1)
            if len(chapters) > 1
            else np.zeros(len(FUNCTION_CHARACTERS))
        )
        # A character that the author never varies, or never uses, has no z-score.
        self._used = spread > 0
        self._mean, self._spread = frequencies.mean(axis=0)[self._used], spread[self._used]
        self._target = self._z(held_out)

    def delta(self, text: str) -> float | None:
        """Delta of a text to the held-out text; null for an empty one, or if the author's hand is not known."""
        return (
            float(np.abs(self._z(text) - self._target).mean())
            if text and self._used.any()
            else None
        )

    def _z(self, text: str) -> np.ndarray:
        return (_frequencies(text)[self._used] - self._mean) / self._spread


def _frequencies(text: str) -> np.ndarray:
    return np.array([text.count(character) for character in FUNCTION_CHARACTERS]) / max(
        1, len(text)
    )
