"""A question that is asked by batch: the first of its kind goes ahead, the others wait, and what a batch loses goes up again."""

import asyncio
import logging
from functools import partial

from xuxie.llm.accounting import Accounting, unanswered
from xuxie.llm.batches import Batches, Lost, Parked
from xuxie.llm.faults import Rejected, Transient
from xuxie.llm.journal import entry_of
from xuxie.llm.parameters import Parameters
from xuxie.llm.request import Request, address, canonical
from xuxie.llm.retries import Retries
from xuxie.llm.run import Run

logger = logging.getLogger(__name__)

_PROBES = 3  # tries of the question that goes ahead
_BATCHES = 3  # batches that a question gets to be answered at all


class BatchCalls:
    """The calls of an endpoint that is asked by batch."""

    def __init__(
        self,
        run: Run,
        accounting: Accounting,
        parameters: Parameters,
        retries: Retries,
        batches: Batches,
    ):
        self._run, self._accounting, self._parameters = run, accounting, parameters
        self._retries, self._batches = retries, batches
        self._piloting = asyncio.Lock()
        self._lost: dict[str, tuple[float, int, int]] = {}  # by key: see `_judged`

    async def answer(self, request: Request, id: str) -> dict:
        """The journal's entry of a request that needs no batch, such as one that no batch has an answer to.

        Raises:
            Parked: it waits for a batch.
            UserError: the job cannot go on.
        """
        if self._batches.waits_for(request.key):
            raise Parked(request.key, made=False)
        await self._batches.refuse_missing()
        entry = await self._pilot(request, id)
        if entry is None and (lost := self._batches.lost(request.key)) is not None:
            entry = await self._judged(request, id, lost)
        if entry is not None:
            return entry
        aside = await self._accounting.set_aside(request, by_batch=True)
        self._batches.add(request, id, self._parameters.adapt(request.body))
        if aside:
            self._batches.when_back(request.key, partial(self._accounting.settle, aside))
        raise Parked(request.key, made=True)

    async def _pilot(self, request: Request, id: str) -> dict | None:
        """Ask the first question of its kind directly, so that what the endpoint does not take shows now, not in a day.

        None if one that names the same fields was answered before.
        """
        kind = {"asked before batches": self._run.endpoint.identity, "fields": sorted(request.body)}
        key = address(canonical(kind))
        async with self._piloting:
            if self._run.journal.get(key) is not None or self._batches.has(request.key):
                return None
            entry = await self._retries.answer(request, id, _PROBES)
            if "error" not in entry["reply"]:
                whose = self._run.endpoint.identity
                await self._run.commits.commit(entry_of(key, whose, question=id))
            # without a verdict on it, it goes by batch too
            return self._run.journal.get(request.key)

    async def _judged(self, request: Request, id: str, lost: Lost) -> dict | None:
        """The entry of a question that a batch came back without an answer to; None if it may go up again."""
        error = lost.error
        if isinstance(error, Transient):
            fault, counts = Rejected("no answer", str(error)), error.by_question
        elif isinstance(error, Rejected):
            if error.reason != "rejected":
                return await self._accounting.keep_refusal(request, id, error)
            fault, counts = error, True
        else:
            raise error
        logger.info("%s: %s", id, fault)
        since, its_fault, others = self._lost.get(request.key, (lost.since, 0, 0))
        its_fault, others = its_fault + counts, others + (not counts)
        self._lost[request.key] = since, its_fault, others
        if its_fault >= _BATCHES:
            if self._run.health.answers_since(since) or await self._retries.is_well(request):
                return await self._accounting.keep_refusal(request, id, fault)
            return unanswered(request, id, fault)
        if others >= self._run.endpoint.settings.tries:  # "too fast", each time: no verdict on it
            return unanswered(request, id, fault)
        self._run.progress.retries += 1
        return None
