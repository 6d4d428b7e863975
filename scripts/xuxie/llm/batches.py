"""Questions that are answered by batch: they gather, go up together, and come back into the journal within a day.

What a job is killed over goes on at the provider: the next job that asks one of its questions takes the record over
(see `batch_record`) and collects the answers. No question is in two batches at a time, whoever asks it.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from xuxie.llm.batch_api import MOST_BYTES, Batch, BatchApi, Missing
from xuxie.llm.batch_record import Asked, Record, claiming, on_record
from xuxie.llm.client import Client
from xuxie.llm.endpoint import BatchSettings
from xuxie.llm.faults import Rejected, Transient, stop
from xuxie.llm.health import Health
from xuxie.llm.journal import Journal
from xuxie.llm.reply import Reply
from xuxie.llm.request import Request

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

FOLDER = ".batches"  # of the records, in the journal's

_ELSEWHERE = 2.0  # seconds at most between looks at a batch that another job attends to
_AT_ONCE = 500  # answers that are put into the journal together
_SEVERAL = 3  # questions without any answer until the batch is to blame, and not they

Keep = Callable[[str, str, int, Reply, str], Awaitable[dict]]
"""Journal a reply: the question's key, its id and its size, the reply, and the batch that it came in."""


@dataclass(frozen=True)
class Waiting:
    """A question whose answer somebody waits for.

    Attributes:
        id: the caller's.
        size: about how many bytes the model reads.
        body: what is sent.
        entry: to be the journal's entry.
    """

    id: str
    size: int
    body: dict
    entry: asyncio.Future[dict]


Waiters = dict[str, Waiting]
"""By key."""


class Batches:
    """The batches of one `ask_all`. Made and used inside one event loop.

    Args:
        keep: called with each reply that comes down, whoever asked for it.
        uninterrupted: has a stop wait for work instead of breaking it off.
    """

    def __init__(
        self,
        client: Client,
        settings: BatchSettings,
        journal: Journal,
        keep: Keep,
        uninterrupted: Callable[[Awaitable[Any]], Coroutine[Any, Any, Any]],
    ):
        self._endpoint, self._settings = client.endpoint, settings
        self._where = client.endpoint.base_url.rstrip("/")
        self._api = BatchApi(client)
        self._journal, self._folder = journal, journal.folder / FOLDER
        self._keep, self._uninterrupted = keep, uninterrupted
        self._health = Health(client.endpoint)
        self._gathered: Waiters = {}
        self._asked = asyncio.Event()
        self._under_way: dict[str, str] = {}  # batches that are waited for, with their state
        self._checked: asyncio.Task | None = None
        self._work = {asyncio.create_task(self._gather())}

    async def refuse_missing(self) -> None:
        """Refuse, once, an endpoint that has no batches."""
        if self._checked is None:
            self._checked = asyncio.create_task(self._insist(self._api.refuse_missing))
        await asyncio.shield(self._checked)

    def has(self, key: str) -> bool:
        """Whether a question may be in a batch already."""
        return any(key in keys for keys in on_record(self._folder).values())

    async def ask(self, request: Request, id: str, body: dict) -> dict:
        """The journal's entry for a request, once a batch has brought it.

        Raises:
            Transient: it came back without an answer; another batch may bring one.
            Rejected: the endpoint does not answer this.
            UserError: the job cannot go on.
        """
        entry = asyncio.get_running_loop().create_future()
        self._gathered[request.key] = Waiting(id, request.size, body, entry)
        self._asked.set()
        return await entry

    def say_what_goes_on(self) -> None:
        """Tell of batches that nobody waits for any more."""
        for batch, state in self._under_way.items():
            logger.warning(
                "batch %s (%s) goes on at the provider: run the same command again to collect its answers;"
                " they are paid for once",
                batch,
                state,
            )

    async def _gather(self) -> None:
        """Send up what has gathered whenever no more comes."""
        while True:
            await self._asked.wait()
            before = -1
            while before < len(self._gathered) < self._settings.questions:
                before = len(self._gathered)
                await asyncio.sleep(self._settings.gather)
            self._asked.clear()
            waiters, self._gathered = self._gathered, {}
            self._begin(self._send(waiters), waiters)

    def _begin(self, work: Awaitable[None], waiters: Waiters) -> None:
        """Work that ends with an answer, or an error, for each who waits."""

        async def attend() -> None:
            try:
                await work
            except Exception as error:
                for waiting in waiters.values():
                    if not waiting.entry.done():
                        waiting.entry.set_exception(error)

        task = asyncio.create_task(attend())
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _send(self, waiters: Waiters) -> None:
        """Each question by a batch: another job's, one that a job left, or a new one."""
        with claiming(self._folder) as known:
            self._journal.refresh()
            waiters = self._unanswered(waiters)
            for path, keys in known.items():
                theirs = {key: waiters.pop(key) for key in keys & waiters.keys()}
                if theirs:
                    self._begin(self._follow(path, theirs), theirs)
            for part, lines in self._files(waiters):
                asked = {key: (waiting.id, waiting.size) for key, waiting in part.items()}
                record = Record.begin(self._folder, self._where, asked)
                self._begin(self._carry(record, part, lines), part)

    def _unanswered(self, waiters: Waiters) -> Waiters:
        """Those whose answer is not in the journal; the others get theirs."""
        left = {}
        for key, waiting in waiters.items():
            entry = self._journal.get(key)
            if entry is None:
                left[key] = waiting
            elif not waiting.entry.done():
                waiting.entry.set_result(entry)
        return left

    def _files(self, waiters: Waiters) -> Iterator[tuple[Waiters, bytes]]:
        """The questions in files that a provider takes."""
        part: Waiters = {}
        lines: list[bytes] = []
        size = 0
        for key, waiting in waiters.items():
            line = self._api.line(key, waiting.body)
            if part and (len(part) >= self._settings.questions or size + len(line) > MOST_BYTES):
                yield part, b"".join(lines)
                part, lines, size = {}, [], 0
            part[key] = waiting
            lines.append(line)
            size += len(line)
        if part:
            yield part, b"".join(lines)

    async def _follow(self, path: Path, waiters: Waiters) -> None:
        """Wait for another job's batch; where that job ended, attend to it in its place."""
        while (record := Record.take(path)) is None and path.exists():
            await asyncio.sleep(min(_ELSEWHERE, self._settings.poll))
        if record is not None:
            await self._carry(record, waiters)
        else:
            self._ask_again(waiters)

    def _ask_again(self, waiters: Waiters) -> None:
        """Let those whose answer has not come go up with the next batch."""
        self._journal.refresh()
        self._gathered |= self._unanswered(waiters)
        self._asked.set()

    async def _carry(self, record: Record, waiters: Waiters, lines: bytes | None = None) -> None:
        """From a record to the answers of its batch, beginning where the record ends.

        Args:
            lines: the file of a new record.
        """
        try:
            if record.where != self._where:
                raise self._not_ours(record, f"it is at {record.where}")
            batch = await self._through(self._made(record, lines))
            lines = None  # 100 MB are not held for a day
            while batch is not None:
                batch = await self._ended(batch)
                if not batch.is_refused_for_now:
                    break
                record.note(batch=None)
                await self._wait_for_room(record, batch)
                batch = await self._through(self._create(record))
            if batch is None:
                record.forget()
                self._ask_again(waiters)
                return
            faults = await self._through(self._collected(record, batch))
            record.forget()
        except (Missing, Rejected) as fault:
            raise self._not_ours(record, str(fault)) from None
        finally:
            record.close()
        self._refuse_useless(batch, record.asked, faults)
        for key, waiting in self._unanswered(waiters).items():
            lost = Transient(
                f"batch {batch.id} ({batch.state}) came back without an answer to it",
                by_question=batch.state == "completed",
            )
            if not waiting.entry.done():
                waiting.entry.set_exception(faults.get(key, lost))

    async def _made(self, record: Record, lines: bytes | None) -> Batch | None:
        """The batch of a record; None if none was made before its job ended."""
        if lines is not None:
            try:
                record.note(file=await self._insist(partial(self._api.upload, lines)))
                return await self._create(record)
            except (Rejected, Missing) as fault:
                record.forget()
                raise stop(
                    f"the endpoint does not take the batch: {fault}",
                    self._endpoint,
                    "see what its message says, or set `batch: false`; nothing was paid for",
                ) from None
        if record.batch is not None:
            return await self._insist(partial(self._api.look, record.batch))
        if record.file is None:
            return None
        found = await self._found(record.file)
        if found is not None:
            self._note(record, found)
        return found

    async def _found(self, file: str) -> Batch | None:
        """The batch of a file; looked for twice, as lists may lag behind, before anybody pays for another one."""
        found = await self._insist(partial(self._api.made_of, file))
        if found is None:
            await asyncio.sleep(self._settings.poll)
            found = await self._insist(partial(self._api.made_of, file))
        return found

    async def _create(self, record: Record) -> Batch:
        """Have a batch made of a record's file. After a fault it may have been made all the same, and is looked for."""
        assert record.file is not None
        tried = 0
        while True:
            try:
                made: Batch | None = await self._api.create(record.file, self._settings.window)
            except Transient as fault:
                tried += 1
                await self._wait_after(fault, tried)
                made = await self._found(record.file)
            if made is not None:
                logger.info("batch %s: %d questions", made.id, len(record.asked))
                self._note(record, made)
                return made

    def _note(self, record: Record, batch: Batch) -> None:
        record.note(batch=batch.id)
        self._under_way[batch.id] = batch.state

    async def _ended(self, batch: Batch) -> Batch:
        """Look at a batch, less and less often, until it has ended."""
        began, wait, told = time.monotonic(), self._settings.first_look, None
        try:
            while True:
                self._under_way[batch.id] = batch.state
                if (batch.state, batch.done) != told:
                    told = batch.state, batch.done
                    logger.info(
                        "batch %s: %s, %d of %d done, after %d min",
                        *(batch.id, batch.state, batch.done, batch.total),
                        (time.monotonic() - began) / 60,
                    )
                if batch.ended:
                    return batch
                await asyncio.sleep(min(wait, self._settings.poll))
                wait *= 1.5
                batch = await self._insist(partial(self._api.look, batch.id))
        finally:
            if batch.ended:
                del self._under_way[batch.id]

    async def _wait_for_room(self, record: Record, batch: Batch) -> None:
        """Wait while others are before a batch that was turned away."""
        if not await self._insist(self._api.under_way):
            record.forget()
            raise stop(
                f"the batch holds more than the provider takes at a time: {batch.said}",
                self._endpoint,
                "lower `batch: {questions: ...}` of this endpoint; nothing was paid for",
            )
        logger.info("batch %s waits for others to end: %s", batch.id, batch.said)
        await asyncio.sleep(self._settings.poll)

    async def _collected(self, record: Record, batch: Batch) -> dict[str, Exception]:
        """Bring a batch's answers into the journal; what became of the other questions that it tells of."""
        faults: dict[str, Exception] = {}
        for file in batch.files:
            for _ in range(2):  # a transfer that was cut off may be whole the next time
                take = partial(self._take_in, file, record.asked, batch.id, faults)
                if not await self._insist(take):
                    break
        return faults

    async def _take_in(
        self, file: str, asked: Asked, batch: str, faults: dict[str, Exception]
    ) -> int:
        """Journal a file's answers: how many of its lines cannot be read."""
        unreadable = strange = 0
        new: dict[str, Reply] = {}
        async for line in self._api.lines(file):
            if not line.strip():
                continue
            found = self._api.result(line)
            if found is None:
                unreadable += 1
                continue
            key, came = found
            if key not in asked:
                strange += 1
            elif isinstance(came, Exception):
                faults.setdefault(key, came)
            elif key not in faults and self._journal.get(key) is None:
                new.setdefault(key, came)
            if len(new) >= _AT_ONCE:
                faults |= await self._journaled(new, asked, batch)
                new = {}
        faults |= await self._journaled(new, asked, batch)
        for count, what in ((unreadable, "cannot be read"), (strange, "answer nothing in it")):
            if count:
                logger.warning("batch %s: %d lines of file %s %s", batch, count, file, what)
        return unreadable

    async def _journaled(
        self, new: dict[str, Reply], asked: Asked, batch: str
    ) -> dict[str, Exception]:
        """Journal replies; what is wrong with those that are no answers."""
        kept = (self._keep(key, *asked[key], reply, batch) for key, reply in new.items())
        came = dict(zip(new, await asyncio.gather(*kept, return_exceptions=True), strict=True))
        for error in came.values():
            if isinstance(error, BaseException) and not isinstance(error, Transient):
                raise error
        return {key: fault for key, fault in came.items() if isinstance(fault, Transient)}

    def _refuse_useless(self, batch: Batch, asked: Asked, faults: dict[str, Exception]) -> None:
        """Stop where a batch says something about the account or the request, not about questions.

        Raises:
            UserError: it was ended by somebody or something else, or brought nothing.
        """
        for fault in faults.values():
            if not isinstance(fault, Transient | Rejected):
                raise fault
        if batch.state in ("cancelled", "canceled"):
            raise stop(
                f"batch {batch.id} was cancelled at the provider",
                self._endpoint,
                "run again to ask what it has left; the answers that it brought are kept",
            )
        if any(self._journal.get(key) is not None for key in asked):
            return
        if batch.state != "completed" or len(asked) >= _SEVERAL:
            reasons = Counter(str(fault) for fault in faults.values())
            said = batch.said or next((words for words, _ in reasons.most_common(1)), "no reason")
            raise stop(
                f"batch {batch.id} ({batch.state}) brought no answer at all: {said}",
                self._endpoint,
                "see to that and run again, or set `batch: false`",
            )

    def _not_ours(self, record: Record, said: str) -> Exception:
        return stop(
            f"batch {record.batch} is on record, but not to be had: {said}",
            self._endpoint,
            "use the address and the key that it was made with; or delete"
            f" {record.path} to have its {len(record.asked)} questions asked, and paid for, again",
        )

    async def _through(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what a stop waits for, and no longer than that."""
        return await asyncio.create_task(self._uninterrupted(work))

    async def _insist(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do what a fault may break, until it is done, or there was nothing but faults for `patience`."""
        tried = 0
        while True:
            try:
                result = await work()
            except Transient as fault:
                tried += 1
                await self._wait_after(fault, tried)
            else:
                self._health.answered(time.monotonic())
                return result

    async def _wait_after(self, fault: Transient, tried: int) -> None:
        backoff = self._endpoint.settings.backoff * 2.0 ** min(tried, 8)
        wait = fault.retry_after or random.uniform(0.5, 1.0) * min(60.0, backoff)
        self._health.failed(fault, "a batch", wait)
        logger.info("a request about a batch failed: %s; trying again in %.1f s", fault, wait)
        await asyncio.sleep(wait)
