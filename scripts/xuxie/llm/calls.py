"""From a request to the journal's entry: what is there is not asked for, and nothing is asked for twice at a time."""

import asyncio
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.batch_calls import BatchCalls
from xuxie.llm.batches import Parked
from xuxie.llm.faults import stop
from xuxie.llm.readiness import Readiness
from xuxie.llm.request import Request
from xuxie.llm.retries import Retries
from xuxie.llm.run import Run


class Calls:
    """The calls of one `ask_all`.

    Args:
        by_batch: asks by batch; None where questions are asked directly.
        in_batches: keys of questions that may be in a batch that was begun when there were batches, by its record.
    """

    def __init__(
        self,
        run: Run,
        readiness: Readiness,
        retries: Retries,
        by_batch: BatchCalls | None,
        in_batches: dict[Path, set[str]],
    ):
        self._run, self._readiness, self._retries = run, readiness, retries
        self._by_batch, self._in_batches = by_batch, in_batches
        self._under_way: dict[str, asyncio.Task[dict]] = {}

    async def entry(self, request: Request, id: str, tries: int | None = None) -> tuple[dict, bool]:
        """The journal's entry for a request, and whether a call was made for it now.

        Args:
            tries: asks directly, and takes so many faults from it of which the question may be the cause; None is as
                configured.

        Raises:
            Unsupported: `response_format` is not known there.
            Parked: its answer will be long in coming.
            UserError: the job cannot go on.
        """
        key = request.key
        entry = self._run.journal.get(key)
        if entry is not None and isinstance(entry.get("reply"), dict):
            return entry, False
        if self._run.endpoint.offline:
            raise UserError(
                f"no answer for {id} is in the journal, and the endpoint may not be asked",
                where=f"{self._run.journal.folder}, model {self._run.endpoint.identity}",
                remedy="import a journal that holds it, or set llm.offline: false",
            )
        self._run.shutdown.refuse()
        known = key in self._under_way
        if not known:
            task = self._run.shutdown.call(self._call(request, id, tries))
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key))
        try:
            return await asyncio.shield(self._under_way[key]), not known
        except Parked as parked:
            raise Parked(key, made=parked.made and not known) from None

    async def _call(self, request: Request, id: str, tries: int | None) -> dict:
        await self._readiness.make()
        if self._by_batch is not None and tries is None:
            return await self._by_batch.answer(request, id)
        for path, keys in self._in_batches.items():
            if request.key in keys:
                raise stop(
                    f"{id} may be in a batch that is under way, and would be paid for twice",
                    self._run.endpoint,
                    f"set `batch: true` and run again to collect its answer, or delete {path} to have"
                    f" its {len(keys)} questions asked again",
                )
        return await self._retries.answer(request, id, tries)
