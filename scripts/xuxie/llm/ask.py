"""Many questions, one endpoint: every answer that was paid for is kept, and none is paid for twice."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from pathlib import Path

import pydantic

from xuxie.errors import UserError
from xuxie.llm.client import Client
from xuxie.llm.conversation import Request
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Rejected, Transient, Unsupported, stop
from xuxie.llm.journal import Journal
from xuxie.llm.structured import MODES, Unusable, read_answer
from xuxie.llm.usage import Usage

log = logging.getLogger(__name__)

_WINDOW = 4096  # questions between the one the caller waits for and the last one begun


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        id: whatever the caller calls it; appears in messages, shapes no answer.
        messages: the conversation, as chat completions take it.
        schema: what the answer must be.
        check: called with the value; raises ValueError("<name of the failure>: <detail>") if it cannot be used.
        sampling: `temperature`, `top_p`, `seed`, `max_tokens` and their like.
    """

    id: str
    messages: list[dict]
    schema: type[pydantic.BaseModel]
    check: Callable[[pydantic.BaseModel], None] | None = None
    sampling: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """A question's answer. `usage` adds up its attempts; `from_journal` says that none of them was made in this run."""

    id: str
    value: pydantic.BaseModel
    usage: Usage
    from_journal: bool


@dataclass(frozen=True)
class Failed:
    """A question that no attempt answered usably: the last attempt's failure by name, in words, and the raw answer."""

    id: str
    reason: str
    detail: str
    raw: str | None
    usage: Usage
    from_journal: bool


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
        budget: `tokens` and `money` that the journal's calls may take in all.
        offline: answer from the journal alone.
        label: what the progress lines call this work.

    Raises:
        UserError: the endpoint refuses to serve, the budget is used up, or a question is not in the journal while offline.
    """
    with Journal(journal) as book, _Loop() as loop:
        run = _Run(endpoint, book, offline)
        begun: deque[Future] = deque()
        try:
            for question in questions:
                begun.append(loop.start(run.outcome(question)))
                while begun and (begun[0].done() or len(begun) >= _WINDOW):
                    yield run.result(begun.popleft())
            while begun:
                yield run.result(begun.popleft())
        finally:
            loop.start(run.close()).result()


class _Loop:
    """An event loop in a thread of its own, so that calls go on while the caller works on an outcome."""

    def __enter__(self) -> "_Loop":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="xuxie.llm", daemon=True)
        self._thread.start()
        return self

    def start(self, work: Coroutine) -> Future:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _Run:
    """The state that the questions of one `ask_all` share. Lives in the loop's thread."""

    def __init__(self, endpoint: Endpoint, journal: Journal, offline: bool):
        self.endpoint, self.journal, self.offline = endpoint, journal, offline
        self.client = Client(endpoint)
        self.stopped: UserError | None = None
        self._mode: str | None = None if endpoint.settings.structured == "auto" else endpoint.settings.structured
        self._sampling = {"max_tokens": endpoint.settings.max_tokens, **endpoint.settings.extra_body}
        self._finding_mode = asyncio.Lock()
        self._slots = asyncio.Semaphore(endpoint.settings.concurrency)
        self._calls: dict[str, asyncio.Task] = {}

    async def close(self) -> None:
        await self.client.close()

    def result(self, future: Future) -> Answered | Failed:
        return future.result()

    async def outcome(self, question: Question) -> Answered | Failed:
        usage, asked = Usage(), False
        mode = self._mode or "schema"
        request = Request.first(question.messages, question.schema, {**self._sampling, **question.sampling}, mode)
        while True:
            entry = self.journal.get(request.key(self.endpoint.identity))
            if entry is None:
                entry, asked = await self._ask(request, question.id), True
            usage += Usage(*entry["usage"], entry["cost"], 1)
            try:
                value = read_answer(entry["reply"], question.schema)
                _check(value, question.check)
                return Answered(question.id, value, usage, not asked)
            except Unusable as fault:
                log.info("%s: attempt %d was unusable: %s", question.id, request.attempt + 1, fault)
                if request.attempt + 1 >= self.endpoint.settings.attempts or "error" in entry["reply"]:
                    return Failed(question.id, fault.reason, fault.detail, entry["reply"].get("content"), usage, not asked)
                request = request.after(fault, entry["reply"].get("content"))

    async def _ask(self, request: Request, id: str) -> dict:
        async with self._slots:
            reply, tokens = await self.client.send(request.body)
        entry = {
            "key": request.key(self.endpoint.identity),
            "usage": tokens,
            "cost": self.endpoint.price.of(*tokens),
            "question": id,
            "reply": reply,
        }
        await asyncio.get_running_loop().run_in_executor(None, self.journal.append, [entry])
        return entry


def _check(value: pydantic.BaseModel, check: Callable[[pydantic.BaseModel], None] | None) -> None:
    if check is None:
        return
    try:
        check(value)
    except ValueError as error:
        raise Unusable(str(error).split(":", 1)[0], str(error)) from error
