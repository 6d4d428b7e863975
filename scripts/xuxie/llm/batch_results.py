"""What a batch has brought: its answers go into the journal, and what it says of the other questions is told."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

from xuxie.llm.batch_api import Batch, BatchApi
from xuxie.llm.batch_record import Asked, Record
from xuxie.llm.faults import Rejected, Transient, stop
from xuxie.llm.persistence import Persistence
from xuxie.llm.reply import Reply
from xuxie.llm.run import Run

logger = logging.getLogger(__name__)

_AT_ONCE = 500  # answers that are put into the journal together
_SEVERAL = 3  # questions without any answer until the batch is to blame, and not they

Keep = Callable[[str, str, int, Reply, str], Awaitable[dict]]
"""Journal a reply: the question's key, its id and its size, the reply, and the batch that it came in."""


class BatchResults:
    """What reads the files of batches that have ended.

    Args:
        keep: called with each reply that comes down, whoever asked for it.
    """

    def __init__(self, run: Run, api: BatchApi, persistence: Persistence, keep: Keep):
        self._run, self._api, self._persistence, self._keep = run, api, persistence, keep

    async def collect(self, record: Record, batch: Batch) -> dict[str, Exception]:
        """Bring a batch's answers into the journal; what became of the other questions that it tells of."""
        faults: dict[str, Exception] = {}
        asked = record.asked
        for file in batch.files:
            for _ in range(2):  # a transfer that was cut off may be whole the next time
                take = partial(self._take_in, file, asked, batch.id, faults)
                if not await self._persistence.insist(take):
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
            elif key not in faults and self._run.journal.get(key) is None:
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

    def refuse_useless(self, batch: Batch, asked: Asked, faults: dict[str, Exception]) -> None:
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
                self._run.endpoint,
                "run again to ask what it has left; the answers that it brought are kept",
            )
        if any(self._run.journal.get(key) is not None for key in asked):
            return
        if batch.state != "completed" or len(asked) >= _SEVERAL:
            reasons = Counter(str(fault) for fault in faults.values())
            said = batch.said or next((words for words, _ in reasons.most_common(1)), "no reason")
            raise stop(
                f"batch {batch.id} ({batch.state}) brought no answer at all: {said}",
                self._run.endpoint,
                "see to that and run again, or set `batch: false`",
            )
