"""Many questions, one endpoint: every answer that was paid for is kept, and none is paid for twice."""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.journal import Journal
from xuxie.llm.progress import Progress
from xuxie.llm.question import Answered, Failed, Question
from xuxie.llm.run import Run

_WINDOW = 4096  # questions between the one the caller waits for and the last one begun
_AT_WORK = 4  # questions that are being worked on, in parts of the calls that may be in flight


def ask_all(
    endpoint: Endpoint,
    questions: Iterable[Question],
    *,
    journal: Path,
    budget: dict | None = None,
    offline: bool = False,
    label: str = "",
) -> Iterator[Answered | Failed]:
    """Ask every question and yield the outcomes in the questions' order.

    An answer is on the disk before it is yielded. Whatever ends the run early (an error, a signal, a full disk), a
    later run finds the answers so far and goes on from there.

    Args:
        endpoint: from `open_endpoint`.
        questions: read ahead of the outcomes by a few thousand.
        journal: folder of the journal.
        budget: `tokens` and `money` that the journal's calls may take in all (see `Budget`).
        offline: answer from the journal alone.
        label: what the progress lines call this work.

    Raises:
        UserError: the endpoint refuses to serve, the budget or the deadline is used up, the disk is full, or a question
            is not in the journal while offline. Calls in flight are waited for, and journaled, before it is raised.
    """
    total = len(questions) if hasattr(questions, "__len__") else None
    with Journal(journal) as book, _Loop() as loop:
        run = loop.start(_begin(endpoint, book, budget, offline, Progress(label, total))).result()
        begun: deque[Future] = deque()
        at_work = threading.Semaphore(_AT_WORK * endpoint.settings.concurrency)
        try:
            for question in questions:
                at_work.acquire()
                begun.append(loop.start(run.outcome(question)))
                begun[-1].add_done_callback(lambda _: at_work.release())
                while begun and (begun[0].done() or len(begun) >= _WINDOW):
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            loop.start(run.end()).result()


async def _begin(*arguments) -> Run:
    return Run(*arguments)  # in the loop's thread, where it stays


class _Loop:
    """An event loop in a thread of its own, so that calls go on while the caller works on an outcome."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="xuxie.llm", daemon=True
        )
        self._thread.start()
        return self

    def start(self, work: Coroutine) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
