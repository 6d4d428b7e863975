"""One try of a call: within the limits and the budget, under the names that the endpoint has for its fields."""

import time

from xuxie.errors import UserError
from xuxie.llm.accounting import Accounting
from xuxie.llm.faults import Rejected, Transient, Unsupported
from xuxie.llm.limits import Limits
from xuxie.llm.pace import Pace
from xuxie.llm.parameters import Parameters
from xuxie.llm.readiness import Readiness
from xuxie.llm.reply import Reply
from xuxie.llm.request import Request
from xuxie.llm.run import Run

_OTHERS = 2.0  # seconds between looks at what other jobs have written


class Sender:
    """What sends requests, each once. When to try again is decided in `retries`."""

    def __init__(
        self,
        run: Run,
        readiness: Readiness,
        accounting: Accounting,
        limits: Limits,
        parameters: Parameters,
    ):
        self._run, self._readiness, self._accounting = run, readiness, accounting
        self._limits, self._parameters = limits, parameters
        self._patience = run.endpoint.settings.patience
        self._pace = Pace() if run.endpoint.settings.embedded else None

    async def send(self, request: Request, id: str) -> dict:
        """The journal's entry of a request, once it is on the disk.

        Raises:
            Transient, Rejected, Unsupported or UserError: see `Client.send`.
        """
        aside = await self._accounting.set_aside(request)
        tokens = self._accounting.most_tokens(request)
        try:
            async with self._limits.slot(tokens) as asked_at:
                await self._readiness.until_revived()
                self._run.shutdown.refuse()
                self._run.journal.refresh(at_most_every=_OTHERS)
                if (entry := self._run.journal.get(request.key)) is not None:
                    return entry  # another job was faster
                try:
                    answer = self._answer(request, id, tokens)
                    return await self._run.shutdown.uninterrupted(answer)
                except Transient as fault:
                    # A wait beyond `patience` ends this job; others are to learn of it by asking, not by waiting.
                    if fault.throttled and (fault.retry_after or 0.0) <= self._patience:
                        self._limits.throttled(asked_at, fault.retry_after)
                    raise
                except UserError as error:
                    self._run.shutdown.begin(error)  # before the slot is free for another call
                    raise
        finally:
            self._accounting.settle(aside)

    async def _answer(self, request: Request, id: str, estimated: int) -> dict:
        """Send a request and journal the answer; the entry.

        The call is over when that is on the disk: what a `kill -9` costs is then never more than the calls that
        may be in flight.
        """
        began = time.monotonic()
        reply = await self._adapted(request)
        seconds = time.monotonic() - began
        read, cached, written = tokens = self._accounting.counted(reply, request.size)
        self._limits.succeeded(estimated, read + written)
        if self._pace:
            self._pace.answered(seconds, read - cached + written)
        return await self._accounting.keep(request.key, id, reply, tokens, began, seconds)

    async def _adapted(self, request: Request) -> Reply:
        """Send a request under the names that the endpoint has for its fields, which its refusals may teach."""
        while True:
            sent = self._parameters.adapt(request.body)
            try:
                return await self._run.client.send(sent)
            except (Rejected, Unsupported) as fault:
                if self._parameters.adapt(request.body) != sent:
                    continue  # learnt from another call meanwhile
                known = isinstance(fault, Rejected) and fault.reason != "rejected"
                learnt = None if known else self._parameters.learn(str(fault), sent)
                if learnt is None:
                    raise
                await self._run.commits.commit(learnt)
