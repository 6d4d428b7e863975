"""The course of a batch: from its record to the answers that it brought, beginning where the record ends."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from functools import partial
from typing import IO, Any, TypeVar

from xuxie.llm.batch_api import Batch, BatchApi, Missing
from xuxie.llm.batch_record import Record
from xuxie.llm.batch_results import BatchResults
from xuxie.llm.endpoint import BatchSettings
from xuxie.llm.faults import Rejected, Transient, stop
from xuxie.llm.persistence import Persistence
from xuxie.llm.run import Run

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_LOOKS_FOR_FILES = 20  # at a batch that is completed, and has none yet
_LONGER = 1.5  # times the last wait, until a batch is looked at again


class BatchCourse:
    """What is done about batches."""

    def __init__(
        self,
        run: Run,
        settings: BatchSettings,
        api: BatchApi,
        persistence: Persistence,
        results: BatchResults,
    ):
        self._run, self._settings, self._api = run, settings, api
        self._insist, self._wait_after = persistence.insist, persistence.wait_after
        self._results = results
        self._under_way: dict[str, str] = {}  # batches that are waited for, with their state

    def say_what_goes_on(self) -> None:
        """Tell of batches that nobody waits for any more."""
        for batch, state in self._under_way.items():
            logger.warning(
                "batch %s (%s) goes on at the provider: run the same command again to collect its answers;"
                " they are paid for once",
                batch,
                state,
            )

    async def through(
        self, record: Record, lines: IO[bytes] | None
    ) -> tuple[Batch, dict[str, Exception]] | None:
        """Carry a record to its end, which forgets it: the batch, and what became of the questions that it has no answer to.

        None if no batch was made before its job ended.

        Args:
            lines: what is to go up, of a new record; it is closed then.

        Raises:
            UserError: the job cannot go on.
        """
        try:
            batch = await self._uninterrupted(self._made(record, lines))
            while batch is not None:
                batch = await self._ended(batch)
                if not batch.is_refused_for_now:
                    break
                record.note(batch=None)
                await self._wait_for_room(record, batch)
                batch = await self._uninterrupted(self._create(record))
            if batch is None:
                record.forget()
                return None
            faults = await self._uninterrupted(self._results.collect(record, batch))
        except (Missing, Rejected) as fault:
            raise stop(
                f"batch {record.batch} is on record, but not to be had: {fault}",
                self._run.endpoint,
                "use the address and the key that it was made with; or delete"
                f" {record.path} to have its {len(record.asked)} questions asked, and paid for, again",
            ) from None
        record.forget()
        self._results.refuse_useless(batch, record.asked, faults)
        return batch, faults

    async def _uninterrupted(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what a shutdown waits for, and no longer than that."""
        return await asyncio.create_task(self._run.shutdown.uninterrupted(work))

    async def _made(self, record: Record, lines: IO[bytes] | None) -> Batch | None:
        """The batch of a record; None if none was made before its job ended."""
        if lines is not None:
            return await self._sent_up(record, lines)
        if record.batch is not None:
            return await self._insist(partial(self._api.look, record.batch))
        if record.file is None:
            return None
        found = await self._found(record.file)
        if found is not None:
            self._note(record, found)
        return found

    async def _sent_up(self, record: Record, lines: IO[bytes]) -> Batch:
        try:
            with lines:
                record.note(file=await self._insist(partial(self._api.upload, lines)))
            return await self._create(record)
        except (Rejected, Missing) as fault:
            record.forget()
            raise stop(
                f"the endpoint does not take the batch: {fault}",
                self._run.endpoint,
                "see what its message says, or set `batch: false`; nothing was paid for",
            ) from None

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
                logger.info("batch %s: %d questions", made.id, made.total or len(record.asked))
                self._note(record, made)
                return made

    def _note(self, record: Record, batch: Batch) -> None:
        record.note(batch=batch.id)
        self._under_way[batch.id] = batch.state

    async def _ended(self, batch: Batch) -> Batch:
        """Look at a batch, less and less often, until it has ended."""
        began, wait, told = time.monotonic(), self._settings.first_look, None
        looks = 0  # for its files
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
                if batch.ended and not batch.lacks_its_files:
                    return batch
                if batch.ended:
                    self._refuse_without_files(batch, looks := looks + 1)
                await asyncio.sleep(min(wait, self._settings.poll))
                wait *= _LONGER
                batch = await self._insist(partial(self._api.look, batch.id))
        finally:
            if batch.ended:
                del self._under_way[batch.id]

    def _refuse_without_files(self, batch: Batch, looks: int) -> None:
        """Its answers are paid for, and will be there: the record stays."""
        if looks > _LOOKS_FOR_FILES:
            raise stop(
                f"batch {batch.id} is {batch.state}, and the provider does not say where its answers are",
                self._run.endpoint,
                "run again later to collect them; they are paid for once",
            )

    async def _wait_for_room(self, record: Record, batch: Batch) -> None:
        """Wait while others are before a batch that was turned away."""
        if not await self._insist(self._api.under_way):
            record.forget()
            raise stop(
                f"the batch holds more than the provider takes at a time: {batch.said}",
                self._run.endpoint,
                "lower `batch: {questions: ...}` of this endpoint; nothing was paid for",
            )
        logger.info("batch %s waits for others to end: %s", batch.id, batch.said)
        await asyncio.sleep(self._settings.poll)
