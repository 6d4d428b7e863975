"""A question that somebody waits for, from another thread: some hundred bytes, as there may be many of them for a day."""

import threading

from xuxie.llm.question import Answered, Failed, Question


class Waiter:
    """Who waits for the outcomes of many questions, in one thread.

    Args:
        at_work: how many questions may be worked on at a time.
        open: how many may be without an outcome at a time.
    """

    def __init__(self, at_work: int, open: int):
        self.bell = threading.Condition()
        self._at_work, self._open = threading.Semaphore(at_work), threading.Semaphore(open)

    def asks(self, question: Question) -> "Asked":
        """A question, as soon as it may be asked."""
        self._open.acquire()
        self._at_work.acquire()
        return Asked(question, self)

    def rests(self) -> None:
        """One question less is worked on."""
        self._at_work.release()

    def has_one_less(self) -> None:
        """One question less is without an outcome. To be called with the bell held."""
        self._open.release()
        self.bell.notify_all()


class Asked:
    """A question and, at some time, its outcome.

    Attributes:
        made: a call was made for it by now.
    """

    __slots__ = ("_error", "_is_at_work", "_outcome", "_waiter", "made", "question")

    def __init__(self, question: Question, waiter: Waiter):
        self.question, self.made = question, False
        self._waiter, self._is_at_work = waiter, True
        self._outcome: Answered | Failed | None = None
        self._error: BaseException | None = None

    def rest(self) -> None:
        """Nothing more is done for it now: it has its outcome, or waits for a batch."""
        if self._is_at_work:
            self._is_at_work = False
            self._waiter.rests()

    def end(
        self, outcome: Answered | Failed | None = None, error: BaseException | None = None
    ) -> None:
        """It has its outcome, or there will be none; the first word holds."""
        if self.has_ended:
            return
        with self._waiter.bell:
            self._outcome, self._error = outcome, error
            self._waiter.has_one_less()

    @property
    def has_ended(self) -> bool:
        """Whether `outcome` comes at once."""
        return self._outcome is not None or self._error is not None

    def outcome(self) -> Answered | Failed:
        """Wait for the outcome; raises why there is none."""
        with self._waiter.bell:
            self._waiter.bell.wait_for(lambda: self.has_ended)
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome
