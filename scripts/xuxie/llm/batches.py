"""Questions that are answered by batch: they gather, go up together, and come back into the journal within a day.

Nothing but its key is held of a question that waits: its request lies on the disk until it goes up, and whoever asked
asks again when told that something has come back.

What a job is killed over goes on at the provider: the next job that asks one of its questions takes the record over
(see `batch_record`) and collects the answers. No question is in two batches at a time, whoever asks it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from xuxie.llm.batch_api import BatchApi
from xuxie.llm.batch_course import BatchCourse
from xuxie.llm.batch_record import Record, claiming, on_record
from xuxie.llm.batch_results import BatchResults, Keep
from xuxie.llm.batch_spool import Spool
from xuxie.llm.endpoint import BatchSettings
from xuxie.llm.faults import Transient, stop
from xuxie.llm.persistence import Persistence
from xuxie.llm.request import Request
from xuxie.llm.run import Run

FOLDER = ".batches"  # of the records, in the journal's

_LOOK = 0.05  # seconds between looks whether more questions come
_ELSEWHERE = 2.0  # seconds at most between looks at a batch that another job attends to

Tell = Callable[[], object]


class Parked(Exception):
    """An answer will be long in coming: nothing is held for it, and whoever wants it asks again when it is there.

    Args:
        key: under which it will be in the journal.
        made: it was asked for now.
    """

    def __init__(self, key: str, made: bool):
        self.key, self.made = key, made
        super().__init__(key)


@dataclass(frozen=True)
class Lost:
    """What became of a question that a batch came back without an answer to.

    Attributes:
        error: Transient, if another batch may bring one; Rejected, if the endpoint does not answer this; or why the job
            cannot go on.
        since: when the batch was begun, or taken over (monotonic).
    """

    error: Exception
    since: float


class Batches:
    """The batches of one `ask_all`. Made and used inside one event loop.

    Args:
        keep: called with each reply that comes down, whoever asked for it.
        is_all: whether it is known that no more questions come until some come back.
    """

    def __init__(self, run: Run, settings: BatchSettings, keep: Keep, is_all: Callable[[], bool]):
        self._run, self._settings, self._is_all = run, settings, is_all
        self._where = run.endpoint.base_url.rstrip("/")
        self._folder = run.journal.folder / FOLDER
        self._api = BatchApi(run.client)
        self._persistence = Persistence(run.endpoint)
        results = BatchResults(run, self._api, self._persistence, keep)
        self._course = BatchCourse(run, settings, self._api, self._persistence, results)
        self._spool = Spool(self._folder)
        self._added = asyncio.Event()
        self._waiting: dict[str, list[Tell]] = {}  # who wants to know of a question, by its key
        self._lost: dict[str, Lost] = {}
        self._checked: asyncio.Task[None] | None = None
        self._work: set[asyncio.Task[None]] = {asyncio.create_task(self._gather())}
        run.shutdown.tell(self._release)

    async def refuse_missing(self) -> None:
        """Refuse, once, an endpoint that has no batches."""
        if self._checked is None:
            insisting = self._persistence.insist(self._api.refuse_missing)
            self._checked = asyncio.create_task(insisting)
        await asyncio.shield(self._checked)

    def has(self, key: str) -> bool:
        """Whether a question may be in a batch already."""
        return any(key in keys for keys in on_record(self._folder).values())

    def add(self, request: Request, id: str, body: dict) -> None:
        """Have a request go up with the next batch; then its answer will be in the journal, or it is `lost`.

        Raises:
            UserError: the disk is full.
        """
        self._spool.add(request.key, id, request.size, self._api.line(request.key, body))
        self._waiting[request.key] = []
        self._added.set()

    def waits_for(self, key: str) -> bool:
        """Whether a question was added, and nothing of it has come back yet."""
        return key in self._waiting

    def when_back(self, key: str, tell: Tell) -> None:
        """Have somebody called as soon as there is something new of a question."""
        if key in self._waiting:
            self._waiting[key].append(tell)
        else:
            tell()

    def lost(self, key: str) -> Lost | None:
        """What became of a question that came back without an answer; told once."""
        return self._lost.pop(key, None)

    def say_what_goes_on(self) -> None:
        """Tell of batches that nobody waits for any more."""
        self._course.say_what_goes_on()

    def close(self) -> None:
        """Let go what has gathered."""
        self._spool.close()

    async def _gather(self) -> None:
        """Send up what has gathered whenever no more comes."""
        while True:
            await self._added.wait()
            await self._until_no_more_comes()
            self._added.clear()
            spool, self._spool = self._spool, Spool(self._folder)
            self._begin(self._send(spool), spool.keys())

    async def _until_no_more_comes(self) -> None:
        before, since = len(self._spool), time.monotonic()
        while len(self._spool) < self._settings.questions and not self._is_all():
            await asyncio.sleep(_LOOK)
            if len(self._spool) > before:
                before, since = len(self._spool), time.monotonic()
            elif time.monotonic() - since >= self._settings.gather:
                return

    def _begin(self, work: Awaitable[None], keys: Set[str]) -> None:
        """Work at whose end there is something new of each of these questions."""

        async def attend() -> None:
            began = time.monotonic()
            try:
                await work
            except Exception as error:
                self._back(keys, Lost(error, began))

        task = asyncio.create_task(attend())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _back(self, keys: Iterable[str], lost: Lost | None = None) -> None:
        """There is something new of questions: it is in the journal, it is this, or they are to be asked again."""
        for key in keys:
            told = self._waiting.pop(key, None)
            if told is None:
                continue
            if lost is not None:
                self._lost[key] = lost
            for tell in told:
                tell()

    def _release(self) -> None:
        """Nobody waits any longer."""
        self._back(list(self._waiting))

    async def _send(self, spool: Spool) -> None:
        """Each question by a batch: another job's, one that a job left, or a new one."""
        try:
            with claiming(self._folder) as known:
                left = self._unanswered(spool.keys())
                for path, keys in known.items():
                    theirs = left & keys
                    left -= theirs
                    if theirs:
                        self._begin(self._follow(path, theirs), theirs)
                for asked, lines in spool.parts(left, self._settings.questions):
                    record = Record.begin(self._folder, self._where, asked)
                    keys = set(asked)
                    self._begin(self._carry(record, keys, lines), keys)
        finally:
            spool.close()

    def _unanswered(self, keys: Set[str]) -> set[str]:
        """Those whose answer is not in the journal; whoever waits for the others is told."""
        self._run.journal.refresh()
        left = {key for key in keys if self._run.journal.get(key) is None}
        self._back(keys - left)
        return left

    async def _follow(self, path: Path, keys: set[str]) -> None:
        """Wait for another job's batch; where that job ended, attend to it in its place."""
        while (record := Record.take(path)) is None and path.exists():
            await asyncio.sleep(min(_ELSEWHERE, self._settings.poll))
        if record is not None:
            await self._carry(record, keys)
        else:
            self._back(keys)

    async def _carry(self, record: Record, keys: set[str], lines: IO[bytes] | None = None) -> None:
        """From a record to the answers of its batch, beginning where the record ends.

        Args:
            lines: what is to go up, of a new record; it is closed then.
        """
        began = time.monotonic()
        try:
            if record.where != self._where:
                raise stop(
                    f"batch {record.batch} is on record, but not to be had: it is at {record.where}",
                    self._run.endpoint,
                    f"use the address that it was made with; or delete {record.path} to have its"
                    f" {len(record.asked)} questions asked, and paid for, again",
                )
            outcome = await self._course.through(record, lines)
        finally:
            record.close()
        if outcome is None:
            self._back(keys)
            return
        batch, faults = outcome
        for key in self._unanswered(keys):
            said = f"batch {batch.id} ({batch.state}) came back without an answer to it"
            nothing = Transient(said, by_question=batch.state == "completed")
            self._back([key], Lost(faults.get(key, nothing), began))
