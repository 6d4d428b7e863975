"""Burrows' Delta (Literary and Linguistic Computing 17(3), 2002): how far a text's use of function characters is from the author's.

A function character says little about the plot and much about the hand. Each one's frequency is
taken as a z-score over the author's own chapters; Delta is the mean absolute z-score, the distance from his mean.
A short text has a large Delta by chance alone (the sample novel's author: 2.05 at 60 characters, 0.91 at 700): only texts of
one length compare.
"""

from collections.abc import Sequence

import numpy as np

from xuxie.text.names import mostly_chinese

FUNCTION_CHARACTERS = (
    "的一是不了在有我他她它这那就也都而和与及或但却又再还才便且乃其之以于为把被让给对从到向往着过得地吗呢吧啊呀哦么什怎谁哪没很太更最只已曾将要会能可若如因所"
    "上下里外前后来去起出，。！？：；、…—“”「」"
)


class Style:
    """The author's hand.

    Args:
        chapters: the author's text in pieces (chapters), of which none holds a text that is measured. With one alone, or a text
            that is not Chinese, nothing can be said: quotation marks and dashes alone, which other languages share, are no hand.
    """

    def __init__(self, chapters: Sequence[str]):
        frequencies = np.array([_frequencies(chapter) for chapter in chapters])
        if len(chapters) < 2 or not mostly_chinese(chapters):
            frequencies = np.zeros((2, len(FUNCTION_CHARACTERS)))
        spread = frequencies.std(axis=0, ddof=1)
        # A character that the author never varies, or never uses, has no z-score.
        self._used = spread > 0
        self._mean, self._spread = frequencies.mean(axis=0)[self._used], spread[self._used]

    def delta(self, text: str) -> float | None:
        """Delta of a text; null for an empty one, or if nothing is known of the author's hand."""
        if not text or not self._used.any():
            return None
        z = (_frequencies(text)[self._used] - self._mean) / self._spread
        return float(np.abs(z).mean())


def _frequencies(text: str) -> np.ndarray:
    return np.array([text.count(character) for character in FUNCTION_CHARACTERS]) / max(
        1, len(text)
    )
