"""Progress that a person can watch: a bar on a terminal, a line in the log now and then."""

import logging
import sys
import time

from tqdm import tqdm

from xuxie.llm.usage import Usage
from xuxie.runtime.clock import clock

logger = logging.getLogger(__name__)

_FIRST_LINE, _LINES = 5.0, 30.0  # seconds until the first line of the log, and between lines


class Progress:
    """Counts outcomes and says how it goes.

    Args:
        label: what the work is called.
        total: how many questions there are; None if nobody knows yet.
    """

    def __init__(self, label: str, total: int | None):
        self.label, self.total = label or "questions", total
        self.done = self.failed = self.from_journal = self.retries = 0
        self.spent = Usage()
        self._began = time.monotonic()
        self._next_line = self._began + _FIRST_LINE
        self._bar = tqdm(
            total=total,
            desc=self.label,
            unit="q",
            leave=False,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
        )

    def count(self, failed: bool, from_journal: bool) -> None:
        """One more question has its outcome."""
        self.done += 1
        self.failed += failed
        self.from_journal += from_journal
        self._bar.set_postfix_str(self._spending(), refresh=False)
        self._bar.update()

    def tick(self) -> None:
        """Write a line to the log if it is time, whether anything has moved or not."""
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINES
            logger.info("%s", self)

    def called(self, usage: Usage) -> None:
        """One more call was answered."""
        self.spent += usage

    def close(self) -> None:
        """Say how it ended."""
        self._bar.close()
        logger.info("%s", self)

    def __str__(self) -> str:
        seconds = time.monotonic() - self._began
        asked = self.done - self.from_journal
        of_total = f" of {self.total}" if self.total is not None else ""
        parts = [f"{self.label}: {self.done}{of_total} done"]
        if self.from_journal:
            parts.append(f"{self.from_journal} from the journal")
        parts.append(f"{self.failed} failed")
        if self.retries:
            parts.append(f"{self.retries} calls tried again")
        if asked:
            parts.append(f"{asked / seconds:.1f}/s")
        parts.append(self._spending())
        if asked and self.total is not None and self.done < self.total:
            parts.append(f"{clock((self.total - self.done) * seconds / asked)} left")
        else:
            parts.append(f"in {clock(seconds)}")
        return ", ".join(parts)

    def _spending(self) -> str:
        tokens = (
            f"{self.spent.input} tokens in ({self.spent.cached} cached), {self.spent.output} out"
        )
        return f"{tokens}, money {self.spent.cost:.4f}" if self.spent.cost else tokens
