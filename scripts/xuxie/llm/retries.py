"""A call is made again until it is answered or is known to have no answer."""

import asyncio
import logging
import random
import time
from contextlib import nullcontext

from xuxie.llm.accounting import Accounting, unanswered
from xuxie.llm.control import Control
from xuxie.llm.faults import Rejected, Transient, stop
from xuxie.llm.persistence import longest_wait
from xuxie.llm.readiness import Readiness
from xuxie.llm.request import Request
from xuxie.llm.run import Run
from xuxie.llm.sender import Sender

logger = logging.getLogger(__name__)

_BROKEN = 3  # answers to a question that cannot be read, where no other is read meanwhile
_CRASHES = 3  # of our own server under a question, all but the first under it alone: others may end it twice in a row
_LOOK = 0.05  # seconds between looks whether others were answered
_NO_OTHERS = 0.5  # seconds without any other call after which none is expected


class Retries:
    """When to try again, and when a question is to blame: where it fails again after others were answered.

    Args:
        alone: whether a question that was refused is judged without waiting for others to be answered.
    """

    def __init__(
        self,
        run: Run,
        sender: Sender,
        accounting: Accounting,
        readiness: Readiness,
        alone: bool,
    ):
        self._run, self._sender, self._accounting = run, sender, accounting
        self._readiness, self._alone = readiness, alone
        self._settings = run.endpoint.settings
        self._server = run.endpoint.server
        self._one_suspect = asyncio.Lock()
        self._control = Control(run, sender)
        self._doubted = 0  # calls that were rejected and wait to see whether others are answered

    async def answer(self, request: Request, id: str, tries: int | None = None) -> dict:
        """The journal's entry of a request: its answer, or that it has none. What may as well be the endpoint's doing is not journaled.

        Args:
            tries: faults of which the question may be the cause that are taken from it; None is as configured.

        Raises:
            Unsupported or UserError: see `Client.send`.
        """
        tried = faults = broken = crashes = 0
        failing_since, rejected_at = None, None
        health = self._run.health
        while True:
            try:
                return await self._sent(request, id, failing_since if crashes else None)
            except Transient as fault:
                tried, faults = tried + 1, faults + fault.by_question
                broken += fault.broken
                if self._server and fault.lost and fault.by_question:
                    crashes, failing_since = crashes + 1, None  # only a new life can speak for it
                failing_since = failing_since or time.monotonic()
                no_answer = Rejected("no answer", str(fault))
                if tries is not None and faults >= tries:
                    return unanswered(request, id, no_answer)
                is_suspect = faults >= self._settings.tries or broken >= _BROKEN
                if self._server:
                    is_suspect |= crashes >= max(_CRASHES, self._server.restarts)
                if is_suspect and (
                    health.answers_since(failing_since) or await self.is_well(request)
                ):
                    return await self._accounting.keep_refusal(request, id, no_answer)
                if broken >= _BROKEN:
                    raise stop(
                        f"no answer of the endpoint can be read, and each may be paid for: {fault}",
                        self._run.endpoint,
                        "see what stands between (a proxy, a gateway), and correct `base_url`",
                    ) from None
                await self._wait_after(fault, tried, id)
            except Rejected as fault:
                if fault.reason != "rejected":
                    return await self._accounting.keep_refusal(request, id, fault)
                if rejected_at is not None and health.answers_since(rejected_at):
                    return await self._accounting.keep_refusal(request, id, fault)
                if health.refused(fault, id):
                    if await self.is_well(request):
                        return await self._accounting.keep_refusal(request, id, fault)
                    raise stop(
                        f"the endpoint rejects one question as the other: {fault.message}",
                        self._run.endpoint,
                        "see what its message says; nothing of it is recorded, and answers so far are kept",
                    ) from None
                if rejected_at is not None:
                    return unanswered(request, id, fault)
                rejected_at = time.monotonic()
                await self._others_answered(rejected_at)

    async def _sent(self, request: Request, id: str, crashed_at: float | None) -> dict:
        """One try; our own server is well again when it has failed.

        Questions whose call was lost with the server are asked again one at a time, and once it has answered another one: so it
        is seen which of them it dies of, and it was not started again in vain.

        Args:
            crashed_at: when the last call was lost (monotonic); None if none was.
        """
        async with nullcontext() if crashed_at is None else self._one_suspect:
            if crashed_at is not None and not self._run.health.answers_since(crashed_at):
                await self.is_well(request)
            try:
                return await self._sender.send(request, id)
            except Transient as fault:
                if fault.lost and self._server:
                    await self._readiness.revive(self._server)
                raise

    async def is_well(self, request: Request) -> bool:
        """Whether the endpoint answers anything in the form of a request (see `Control`). Asked where there is no other answer."""
        return await self._control.is_answered(request)

    async def _others_answered(self, moment: float) -> None:
        """Wait until a call that is sent after a moment is answered, or no other is left."""
        if self._alone:
            return
        self._doubted += 1
        looks = round(_NO_OTHERS / _LOOK)
        try:
            while looks and not self._run.health.answers_since(moment):
                if self._run.shutdown.calls <= self._doubted:
                    looks -= 1
                await asyncio.sleep(_LOOK)
        finally:
            self._doubted -= 1

    async def _wait_after(self, fault: Transient, tried: int, id: str) -> None:
        """Wait until the next try: what the provider asks for and a little more, or a random time below `longest_wait`.

        After a "too fast", `limits` lets every call of the endpoint wait.
        """
        self._run.shutdown.refuse()
        wait = 0.0
        if fault.retry_after is not None:
            wait = fault.retry_after * random.uniform(1.0, 1.1)
        elif not fault.throttled:
            wait = random.uniform(0.0, longest_wait(self._settings.backoff, tried))
        self._run.health.failed(fault, id, wait)
        self._run.progress.retries += 1
        logger.info("%s: %s; trying again in %.1f s", id, fault, wait)
        await asyncio.sleep(wait)
