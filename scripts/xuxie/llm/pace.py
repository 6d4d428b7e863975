"""Whether a model that computes on this machine still answers as fast as at first."""

import logging
from collections import deque
from statistics import median

logger = logging.getLogger(__name__)

_ANSWERS = 3  # that are looked at together: a single one may be odd
_SLOW = 3.0  # times as long as at first


class Pace:
    """The seconds that answers take for each token that is read or written; says once when they become many more."""

    def __init__(self):
        self._first: list[float] = []
        self._latest: deque[float] = deque(maxlen=_ANSWERS)
        self._said = False

    def answered(self, seconds: float, tokens: int) -> None:
        """An answer took so long, for so many tokens that were read (not from a cache) or written."""
        took = seconds / max(1, tokens)
        if len(self._first) < _ANSWERS:
            self._first.append(took)
            return
        self._latest.append(took)
        if self._said or len(self._latest) < _ANSWERS:
            return
        times = median(self._latest) / median(self._first)
        if times >= _SLOW:
            self._said = True
            logger.warning(
                "answers take %.1f times as long as the first ones: other work has the processor. "
                "The model's threads sleep while they wait for a core, and each answer is waited for: "
                "none is given up or asked for again",
                times,
            )
