"""Many questions, one endpoint: every answer that was paid for is kept, and none is paid for twice."""

import asyncio
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sized
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from xuxie.errors import UserError
from xuxie.llm.asked import Asked, Waiter
from xuxie.llm.dispatcher import Dispatcher
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.journal import Journal
from xuxie.llm.progress import Progress
from xuxie.llm.question import Answered, Failed, Question

_WINDOW = 4096  # questions between the one the caller waits for and the last one begun
_AT_WORK = 2  # questions that are being worked on, in parts of the calls that may be in flight
_USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


def ask_all(
    endpoint: Endpoint,
    questions: Iterable[Question],
    *,
    journal: Path,
    budget: dict | None = None,
    max_failed: float = 1.0,
    label: str = "",
) -> Iterator[Answered | Failed]:
    """Ask every question and yield the outcomes in the questions' order.

    An answer is on the disk before it is yielded. Whatever ends the run early (an error, SIGINT or SIGTERM, a full
    disk), a later run finds the answers so far and goes on from there.

    Args:
        endpoint: from `open_endpoint`.
        questions: read ahead of the outcomes by a few thousand.
        journal: folder of the journal.
        budget: `tokens` and `money` that the journal's calls may take in all (see `Budget`).
        max_failed: the share of questions that may fail. One alone may in any case, where others are answered.
        label: what the progress lines call this work.

    Raises:
        UserError: the endpoint refuses to serve, the budget or the deadline is used up, the disk is full, too many
            questions failed, or one is not in the journal while the endpoint is `offline`. Calls in flight are
            waited for, and journaled, before it is raised.
    """
    batches = endpoint.settings.batches
    at_a_time = _AT_WORK * endpoint.settings.concurrency
    most = batches.questions if batches else at_a_time
    total = len(questions) if isinstance(questions, Sized) else None
    failures = _Failures(max_failed)
    grace = endpoint.settings.timeout
    with Journal(journal) as book, _Loop() as loop:
        dispatcher = loop.start(_begin(endpoint, book, budget, Progress(label, total))).result()
        begun: deque[Asked] = deque()
        waiter = Waiter(at_a_time, most)
        try:
            with _interrupted(lambda error: loop.call(dispatcher.interrupt, error)):
                for question in questions:
                    begun.append(waiter.asks(question))
                    loop.call(dispatcher.ask, begun[-1])
                    while begun and (begun[0].has_ended or len(begun) >= max(most, _WINDOW)):
                        yield failures.counted(begun.popleft().outcome())
                loop.call(dispatcher.expect_no_more)
                while begun:
                    yield failures.counted(begun.popleft().outcome())
        except Interrupted:
            grace = endpoint.settings.grace
            raise
        finally:
            loop.start(dispatcher.end(grace)).result()
    failures.judge()


class Interrupted(UserError):
    """A signal ended the work."""


async def _begin(*arguments) -> Dispatcher:
    return Dispatcher(*arguments)  # in the loop's thread, where it stays


class _Failures:
    """Whether so many questions failed that the caller should not go on with the rest."""

    def __init__(self, allowed: float):
        self._allowed = allowed
        self._questions = 0
        self._reasons: Counter[str] = Counter()
        self._details: dict[str, str] = {}

    def counted(self, outcome: Answered | Failed) -> Answered | Failed:
        """The same outcome."""
        self._questions += 1
        if isinstance(outcome, Failed):
            self._reasons[outcome.reason] += 1
            self._details.setdefault(outcome.reason, f"{outcome.id}: {outcome.detail}")
        return outcome

    def judge(self) -> None:
        """Raise a UserError if too many failed."""
        failed = self._reasons.total()
        all_failed = failed == self._questions and self._allowed < 1
        allowed = max(1.0, self._allowed * self._questions) if self._allowed else 0.0
        if not failed or (failed <= allowed and not all_failed):
            return
        [(reason, count)] = self._reasons.most_common(1)
        raise UserError(
            f"{failed} of {self._questions} questions failed, {count} of them as `{reason}`,"
            f" such as {self._details[reason]}",
            where="config: llm.max_failed",
            remedy="see to the cause, or raise llm.max_failed; answers are kept,"
            " and `manage_journal.py forget-failures` lets recorded failures be asked again",
        )


@contextmanager
def _interrupted(end_with: Callable[[UserError], object]) -> Iterator[None]:
    """Let SIGINT and SIGTERM (scancel, a time limit) end the work in order; a second one ends it at once."""
    taken: dict[int, Any] = {}

    def restore() -> None:
        while taken:
            signal.signal(*taken.popitem())

    def end(number: int, _) -> None:
        restore()
        name = signal.Signals(number).name
        end_with(Interrupted(f"ended by {name}", remedy="run again: the answers so far are kept"))

    if threading.current_thread() is threading.main_thread():
        for number, usual in _USUAL.items():
            if signal.getsignal(number) is usual:
                taken[number] = signal.signal(number, end)
    try:
        yield
    finally:
        restore()


class _Loop:
    """An event loop in a thread of its own, so that calls go on while the caller works on an outcome."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="xuxie.llm", daemon=True
        )
        self._thread.start()
        return self

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def start(self, work: Coroutine) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
