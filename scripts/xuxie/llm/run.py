"""The course of one `ask_all`: from a question to its outcome, by way of the journal, the limits and the budget."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable
from typing import TypeVar

from xuxie.errors import UserError
from xuxie.llm.budget import Budget, TokenEstimate
from xuxie.llm.client import Client, Reply
from xuxie.llm.commits import Commits
from xuxie.llm.conversation import Request, address, canonical
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Rejected, Transient, Unsupported, stop
from xuxie.llm.journal import Journal, entry_of
from xuxie.llm.limits import Limits
from xuxie.llm.progress import Progress
from xuxie.llm.question import Answered, Failed, Question
from xuxie.llm.structured import MODES, Unusable, check_value, read_answer, strict_schema
from xuxie.llm.usage import Usage

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_FIRST_TRIES = (
    4  # before an endpoint has ever answered: an address with a typo should not cost minutes
)
_LONGEST_WAIT = 600.0  # seconds; a provider that asks for more has shut for today
_KEPT = "run again later: the answers so far are kept, and not paid for again"


class Run:
    """What the questions of one `ask_all` share. Made and used inside one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        journal: Journal,
        budget: dict | None,
        offline: bool,
        progress: Progress,
    ):
        self._endpoint, self._settings = endpoint, endpoint.settings
        self._journal, self._offline, self._progress = (
            journal,
            offline or endpoint.offline,
            progress,
        )
        self._client = Client(endpoint)
        self._limits = Limits(endpoint)
        self._budget = Budget(budget, journal, endpoint.price)
        self._estimate = TokenEstimate()
        self._commits = Commits(journal)
        self._stopped: UserError | None = None
        self._proven = False  # the endpoint has answered something, now or in an earlier run
        self._ends_at = (
            time.monotonic() + self._settings.deadline if self._settings.deadline else None
        )
        self._modes: dict[type, str] = {}
        self._finding_mode = asyncio.Lock()
        self._probes: set[str] = set()  # keys of the calls that were made to find a mode
        self._calls: dict[str, asyncio.Task] = {}
        self._on_the_wire: set[asyncio.Task] = set()
        self._ticking = asyncio.create_task(self._tick())

    async def end(self) -> None:
        """Begin no more calls, wait for those on the wire, as they are paid for, and give everything back."""
        self._stop(UserError("given up before the end"))
        self._ticking.cancel()
        if self._on_the_wire:
            log.info(
                "waiting for %d calls in flight, so that nothing paid for is lost",
                len(self._on_the_wire),
            )
            await asyncio.wait(self._on_the_wire, timeout=self._settings.timeout)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self._limits.close()
        self._budget.close()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()
        self._commits.close()
        self._progress.close()

    async def outcome(self, question: Question) -> Answered | Failed:
        """Ask until an answer can be used or the attempts are used up."""
        try:
            outcome = await self._converse(question)
        except UserError as error:
            self._stop(error)
            raise self._stopped from None
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            raise self._stopped from None
        self._progress.count(isinstance(outcome, Failed), outcome.from_journal)
        return outcome

    async def _converse(self, question: Question) -> Answered | Failed:
        usage, made = Usage(), False
        request = self._first_request(question, await self._mode_for(question))
        while True:
            entry, now = await self._entry(request, question.id)
            made |= now or request.key in self._probes
            self._probes.discard(request.key)
            usage += Usage.of_entry(entry)
            reply = entry["reply"]
            try:
                value = read_answer(reply, question.schema)
                check_value(value, question.check)
                return Answered(question.id, value, usage, not made)
            except Unusable as fault:
                log.info(
                    "%s: attempt %d cannot be used: %s", question.id, request.attempt + 1, fault
                )
                if request.attempt + 1 >= self._settings.attempts or "error" in reply:
                    return Failed(
                        question.id,
                        fault.reason,
                        fault.detail,
                        reply.get("content"),
                        usage,
                        not made,
                    )
                request = request.after(fault, reply["content"])

    def _first_request(self, question: Question, mode: str) -> Request:
        sampling = {
            "max_tokens": self._settings.max_tokens,
            **self._settings.extra_body,
            **question.sampling,
        }
        return Request.first(
            self._endpoint.identity, question.messages, question.schema, sampling, mode
        )

    async def _mode_for(self, question: Question) -> str:
        """How this endpoint is asked for answers of this schema: as configured, as once found out, or found out now."""
        if self._settings.structured != "auto":
            return self._settings.structured
        async with self._finding_mode:
            if question.schema not in self._modes:
                key = address(
                    canonical(
                        {
                            "mode of": self._endpoint.identity,
                            "schema": strict_schema(question.schema),
                        }
                    )
                )
                entry = self._journal.get(key)
                if entry is None:
                    mode = await self._find_mode(question)
                    entry = entry_of(
                        key, self._endpoint.identity, mode=mode, schema=question.schema.__name__
                    )
                    await self._commits.commit(entry)
                self._modes[question.schema] = entry["mode"]
                log.info(
                    "%s is asked for %s in mode `%s`",
                    self._endpoint.model,
                    question.schema.__name__,
                    entry["mode"],
                )
        return self._modes[question.schema]

    async def _find_mode(self, question: Question) -> str:
        """The strictest mode that the endpoint takes and seems to obey, by asking a first question in earnest."""
        taken = []
        for mode in MODES:
            request = self._first_request(question, mode)
            for _ in range(2):
                try:
                    entry, now = await self._entry(request, question.id, probing=True)
                    if now:
                        self._probes.add(request.key)
                    read_answer(entry["reply"], question.schema)
                    return mode
                except Unsupported as fault:
                    log.info("%s does not take mode `%s`: %s", self._endpoint.model, mode, fault)
                    break
                except Unusable as fault:
                    if fault.reason != "malformed" and (mode, fault.reason) != (
                        "schema",
                        "off schema",
                    ):
                        return mode  # this failure says nothing about the mode
                    request = request.after(fault, entry["reply"]["content"])
            else:
                taken.append(mode)
        return taken[0]

    async def _entry(self, request: Request, id: str, probing: bool = False) -> tuple[dict, bool]:
        """The journal's entry for a request, and whether a call was made for it now."""
        key = request.key
        entry = self._journal.get(key)
        if entry is not None:
            self._proven = True
            return entry, False
        if self._offline:
            raise UserError(
                f"no answer for {id} is in the journal, and the endpoint may not be asked",
                where=f"{self._journal.folder}, model {self._endpoint.identity}",
                remedy="import a journal that holds it, or set llm.offline: false",
            )
        if self._stopped:
            raise self._stopped
        known = key in self._calls
        if not known:
            task = self._calls[key] = asyncio.create_task(self._call(request, id))
            task.add_done_callback(lambda _: self._calls.pop(key))
        try:
            return await asyncio.shield(self._calls[key]), not known
        except Unsupported as fault:
            if probing:
                raise
            raise stop(
                f"the endpoint does not take this way to ask for structured answers: {fault}",
                self._endpoint,
                "set `structured` of this endpoint to auto, json or text",
            ) from None

    async def _call(self, request: Request, id: str) -> dict:
        """Make a call until it is answered, and journal the answer."""
        tries = 0
        while True:
            try:
                return await self._try(request, id)
            except Transient as fault:
                tries += 1
                await asyncio.sleep(self._wait_after(fault, tries, id))
            except Rejected as fault:
                if fault.reason == "rejected" and not self._proven:
                    remedy = "correct the endpoint's settings"
                    raise stop(
                        f"the endpoint rejects the request: {fault.message}", self._endpoint, remedy
                    ) from None
                refusal = {"error": {"reason": fault.reason, "message": fault.message}}
                entry = entry_of(request.key, request.model, question=id, reply=refusal)
                await self._commits.commit(entry)
                return entry

    def _wait_after(self, fault: Transient, tries: int, id: str) -> float:
        """Seconds until the next try: what the provider asks for and a little more, or else a random time below 0.5, 1, 2, ... 60."""
        if self._stopped:
            raise self._stopped
        if tries >= (
            self._settings.tries if self._proven else min(_FIRST_TRIES, self._settings.tries)
        ):
            raise stop(
                f"the endpoint failed {tries} times in a row for {id}: {fault}",
                self._endpoint,
                _KEPT,
            ) from None
        if fault.retry_after is None:
            wait = random.uniform(0.0, min(60.0, 0.25 * 2**tries))
        elif fault.retry_after > _LONGEST_WAIT:
            raise stop(
                f"the endpoint asks to wait {fault.retry_after:.0f} s: {fault}",
                self._endpoint,
                _KEPT,
            ) from None
        else:
            wait = fault.retry_after * random.uniform(1.0, 1.1)
        self._progress.retries += 1
        log.info("%s: %s; trying again in %.1f s", id, fault, wait)
        return wait

    async def _try(self, request: Request, id: str) -> dict:
        input, output = self._estimate.prompt(request.size), request.body["max_tokens"]
        while (aside := self._budget.set_aside(input, output)) is None:
            await asyncio.sleep(0.1)
        try:
            async with self._limits.slot(input + output) as asked_at:
                if self._ends_at and time.monotonic() > self._ends_at:
                    raise stop(
                        f"the deadline of {self._settings.deadline:g} s for this job has passed",
                        self._endpoint,
                        _KEPT,
                    )
                self._journal.refresh(at_most_every=2.0)
                if (entry := self._journal.get(request.key)) is not None:
                    return entry  # another job was faster
                try:
                    reply = await self._uncancelled(self._client.send(request.body))
                except Transient as fault:
                    if fault.throttled:
                        self._limits.throttled(asked_at, fault.retry_after)
                    raise
                except UserError as error:
                    self._stop(error)  # before the slot is free for another call
                    raise
            self._proven = True
            tokens = self._counted(reply, request)
            self._limits.succeeded(input + output, tokens[0] + tokens[2])
            entry = entry_of(
                request.key,
                request.model,
                tokens,
                self._endpoint.price.of(*tokens),
                question=id,
                reply=vars(reply.answer),
            )
            await self._uncancelled(self._commits.commit(entry))
            self._progress.called(Usage.of_entry(entry))
            return entry
        finally:
            self._budget.settle(aside)

    def _counted(self, reply: Reply, request: Request) -> tuple[int, int, int]:
        """The tokens of a call: as the endpoint counts them, or else estimated."""
        if reply.tokens is None:
            return (
                self._estimate.prompt(request.size),
                0,
                self._estimate.text(len((reply.answer.content or "").encode("utf-8", "replace"))),
            )
        self._estimate.learn(request.size, reply.tokens[0])
        return reply.tokens

    async def _uncancelled(self, work: Awaitable[Result]) -> Result:
        """Do what a stop waits for instead of breaking it off."""
        task = asyncio.current_task()
        self._on_the_wire.add(task)
        try:
            return await work
        finally:
            self._on_the_wire.discard(task)

    def _stop(self, error: UserError) -> None:
        """Begin no more calls. Those on the wire go on."""
        self._stopped = self._stopped or error
        for task in self._calls.values():
            if task not in self._on_the_wire:
                task.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._budget.touch()
            self._progress.tick()
