"""The course of one `ask_all`: from a question to its outcome, by way of the journal, the limits and the budget."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

from xuxie.errors import UserError
from xuxie.llm.batch_record import on_record
from xuxie.llm.batches import FOLDER, Batches
from xuxie.llm.budget import Budget, TokenEstimate
from xuxie.llm.client import Client
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Rejected, Transient, Unsupported, stop
from xuxie.llm.group_commit import GroupCommit
from xuxie.llm.health import KEPT, Health
from xuxie.llm.journal import Journal, entry_of
from xuxie.llm.limits import Limits
from xuxie.llm.model_list import refuse_unlisted
from xuxie.llm.pace import Pace
from xuxie.llm.parameters import Parameters
from xuxie.llm.progress import Progress
from xuxie.llm.question import Answered, Completion, Failed, Question
from xuxie.llm.reply import Reply
from xuxie.llm.request import Request, address, canonical
from xuxie.llm.server import Server
from xuxie.llm.structured import (
    MODES,
    Reading,
    Unusable,
    is_broken_off,
    read_answer,
    strict_schema,
    text_of,
)
from xuxie.llm.usage import Usage

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_PROBES = 3  # tries of a question that is to show how structured answers are asked for
_BATCHES = 3  # batches that a question gets to be answered at all


class Dispatcher:
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
        self._journal, self._progress = journal, progress
        self._offline = offline or endpoint.offline
        shared = journal.folder / ".limits"
        self._limits = Limits(endpoint, shared)
        self._budget = Budget(budget, journal, endpoint.price, shared)
        self._client = Client(endpoint)
        self._estimate = TokenEstimate()
        self._commits = GroupCommit(journal)
        self._health = Health(endpoint)
        self._parameters = Parameters(endpoint, journal)
        self._pace = Pace() if self._settings.embedded else None
        self._stopped: UserError | None = None
        self._ends_at = (
            time.monotonic() + self._settings.deadline if self._settings.deadline else None
        )
        self._modes: dict[type, str] = {}
        self._finding_mode = asyncio.Lock()
        self._probes: set[str] = set()  # keys of the calls that were made to find a mode
        self._calls: dict[str, asyncio.Task] = {}
        self._on_the_wire: set[asyncio.Task] = set()
        self._started: asyncio.Task | None = None
        self._model_checked: asyncio.Task | None = None
        self._control: asyncio.Task | None = None
        self._reviving: asyncio.Task | None = None
        self._doubted = 0  # calls that were rejected and wait to see whether others are answered
        self._batches = (
            Batches(self._client, self._settings.batches, journal, self._keep, self._uncancelled)
            if self._settings.batches and not self._offline
            else None
        )
        self._in_batches = {} if self._batches else on_record(journal.folder / FOLDER)
        self._piloting = asyncio.Lock()
        self._ticking = asyncio.create_task(self._tick())

    async def end(self, grace: float) -> None:
        """Begin no more calls, wait for those on the wire, as they are paid for, and give everything back.

        Args:
            grace: seconds that the calls on the wire get.
        """
        self.stop(UserError("given up before the end"))
        self._ticking.cancel()
        if self._on_the_wire:
            logger.info(
                "waiting %.0f s at most for %d calls in flight, so that nothing paid for is lost",
                grace,
                len(self._on_the_wire),
            )
            await asyncio.wait(self._on_the_wire, timeout=grace)
        if self._batches:
            self._batches.say_what_goes_on()
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
            self.stop(error)
            raise self._stopped from None
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
            raise self._stopped from None
        self._progress.count(isinstance(outcome, Failed), outcome.from_journal)
        return outcome

    async def _converse(self, question: Question) -> Answered | Failed:
        """Ask, and ask again for what is missing."""
        usage, made = Usage(), False
        parts: dict[str, Any] = {}
        mode = await self._mode_for(question)
        request = self._first_request(question, mode)
        while True:
            try:
                entry, now = await self._entry(request, question.id)
            except Unsupported as fault:
                if self._settings.structured != "auto" or mode == MODES[-1]:
                    raise self._unsupported(fault) from None
                self._modes.pop(question.schema, None)
                mode = await self._mode_for(question)
                request = self._first_request(question, mode)
                continue
            made |= now or request.key in self._probes
            self._probes.discard(request.key)
            usage += Usage.of_entry(entry)
            reply = entry["reply"]
            try:
                if question.schema is None:
                    return Answered(question.id, _completion(entry), usage, not made)
                reading = read_answer(
                    reply, question.schema, question.check, in_parts=question.in_parts
                )
                for name, part in reading.parts.items():
                    parts.setdefault(name, part)
                missing = tuple(name for name in question.schema.model_fields if name not in parts)
                if not missing:
                    value = question.schema.model_construct(**parts)
                    return Answered(question.id, value, usage, not made)
                faults = {name: said for name, said in reading.faults.items() if name not in parts}
                fault = Reading({}, faults).fault()
            except Unusable as error:
                fault, faults = error, {}
            logger.info(
                "%s: attempt %d cannot be used: %s", question.id, request.attempt + 1, fault
            )
            request = self._next_request(request, fault, reply, question, tuple(parts), mode)
            if request is None:
                return _given_up(question, parts, faults, fault, reply, usage, not made)

    def _first_request(self, question: Question, mode: str) -> Request:
        sampling = {
            "max_tokens": self._settings.max_tokens,
            **self._settings.extra_body,
            **question.sampling,
        }
        return Request.first(
            self._endpoint.identity, question.messages, question.schema, sampling, mode
        )

    def _next_request(
        self,
        request: Request,
        fault: Unusable,
        reply: dict,
        question: Question,
        had: tuple[str, ...],
        mode: str,
    ) -> Request | None:
        """What to ask after an answer that could not be used as a whole; None if that is no use."""
        if request.attempt + 1 >= self._settings.attempts or "error" in reply:
            return None
        if question.schema is None:
            return None
        if fault.reason == "length":
            return request.with_more_room(self._settings.max_output)
        missing = tuple(name for name in question.schema.model_fields if name not in had)
        return request.after(fault, reply.get("content"), question.schema, missing, mode)

    async def _mode_for(self, question: Question) -> str:
        """How this endpoint is asked for answers of this schema: as configured, as once found out, or found out now."""
        if question.schema is None:
            return MODES[-1]
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
                    if mode is None:
                        return MODES[0]  # the next question will show it
                    entry = entry_of(
                        key, self._endpoint.identity, mode=mode, schema=question.schema.__name__
                    )
                    await self._commits.commit(entry)
                self._modes[question.schema] = entry["mode"]
                logger.info(
                    "%s is asked for %s in mode `%s`",
                    self._endpoint.model,
                    question.schema.__name__,
                    entry["mode"],
                )
        return self._modes[question.schema]

    async def _find_mode(self, question: Question) -> str | None:
        """The strictest mode that the endpoint takes and seems to obey, by asking a question in earnest.

        None if this question is answered in no mode.
        """
        taken = []
        for mode in MODES:
            request = self._first_request(question, mode)
            for _ in range(2):
                try:
                    entry, now = await self._entry(request, question.id, tries=_PROBES)
                    if "error" in entry["reply"]:
                        return None
                    if now:
                        self._probes.add(request.key)
                    reading = read_answer(entry["reply"], question.schema)
                    if reading.parts:
                        return mode
                    raise reading.fault()
                except Unsupported as fault:
                    logger.info("%s does not take mode `%s`: %s", self._endpoint.model, mode, fault)
                    break
                except Unusable as fault:
                    if fault.reason != "malformed" and (mode, fault.reason) != (
                        "schema",
                        "off schema",
                    ):
                        return mode  # this failure says nothing about the mode
                    names = tuple(question.schema.model_fields)
                    request = request.after(
                        fault, entry["reply"].get("content"), question.schema, names, mode
                    )
            else:
                taken.append(mode)
        return taken[0]

    def _unsupported(self, fault: Unsupported) -> UserError:
        return stop(
            f"the endpoint does not take this way to ask for structured answers: {fault}",
            self._endpoint,
            "set `structured` of this endpoint to auto, json or text",
        )

    async def _entry(
        self, request: Request, id: str, tries: int | None = None
    ) -> tuple[dict, bool]:
        """The journal's entry for a request, and whether a call was made for it now.

        Args:
            tries: faults of which the question may be the cause that are taken from it; None is as configured.

        Raises:
            Unsupported: `response_format` is not known there.
        """
        key = request.key
        entry = self._journal.get(key)
        if entry is not None and isinstance(entry.get("reply"), dict):
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
            call = self._call(request, id, tries)
            task = self._calls[key] = asyncio.create_task(call)
            task.add_done_callback(lambda _: self._calls.pop(key))
        return await asyncio.shield(self._calls[key]), not known

    async def _call(self, request: Request, id: str, tries: int | None) -> dict:
        """Make a call until it is answered or is known to have no answer, and journal that.

        The question is to blame where it fails again after others were answered. What may as well be the endpoint's
        doing is not journaled.
        """
        await self._be_served()
        await self._check_model()
        if self._batches is not None and tries is None:
            return await self._call_by_batch(request, id, self._batches)
        for path, keys in self._in_batches.items():
            if request.key in keys:
                raise stop(
                    f"{id} may be in a batch that is under way, and would be paid for twice",
                    self._endpoint,
                    f"set `batch: true` and run again to collect its answer, or delete {path} to have"
                    f" its {len(keys)} questions asked again",
                )
        return await self._call_directly(request, id, tries)

    async def _call_directly(self, request: Request, id: str, tries: int | None = None) -> dict:
        """See `_call`."""
        tried = faults = 0
        failing_since, rejected_at = None, None
        while True:
            try:
                return await self._try(request, id)
            except Transient as fault:
                if fault.lost and self._endpoint.server:
                    await self._revive(self._endpoint.server)
                tried, faults = tried + 1, faults + fault.by_question
                failing_since = failing_since or time.monotonic()
                if tries is not None and faults >= tries:
                    return _unanswered(request, id, Rejected("no answer", str(fault)))
                if faults >= self._settings.tries and (
                    self._health.answers_since(failing_since) or await self._is_well()
                ):
                    return await self._record(request, id, Rejected("no answer", str(fault)))
                await self._wait_after(fault, tried, id)
            except Rejected as fault:
                if fault.reason != "rejected":
                    return await self._record(request, id, fault)
                self._health.refused(fault, id)
                if rejected_at is not None:
                    if self._health.answers_since(rejected_at):
                        return await self._record(request, id, fault)
                    return _unanswered(request, id, fault)
                rejected_at = time.monotonic()
                await self._others_answered(rejected_at)

    async def _call_by_batch(self, request: Request, id: str, batches: Batches) -> dict:
        """Have a question answered by batch, and what a batch has lost by the next one; see `_call`."""
        await batches.refuse_missing()
        entry = await self._pilot(request, id, batches)
        if entry is not None:
            return entry
        began, lost = time.monotonic(), 0
        while True:
            try:
                return await self._try_by_batch(request, id, batches)
            except Transient as error:
                lost += error.by_question
                fault = Rejected("no answer", str(error))
            except Rejected as error:
                lost += 1
                fault = error
                if error.reason != "rejected":
                    return await self._record(request, id, error)
            logger.info("%s: %s", id, fault)
            if lost >= _BATCHES:
                if self._health.answers_since(began) or await self._is_well():
                    return await self._record(request, id, fault)
                return _unanswered(request, id, fault)
            self._progress.retries += 1

    async def _pilot(self, request: Request, id: str, batches: Batches) -> dict | None:
        """Ask the first question of its kind directly, so that what the endpoint does not take shows now, not in a day.

        None if one that names the same fields was answered before.
        """
        kind = {"asked before batches": self._endpoint.identity, "fields": sorted(request.body)}
        key = address(canonical(kind))
        async with self._piloting:
            if self._journal.get(key) is not None or batches.has(request.key):
                return None
            entry = await self._call_directly(request, id, _PROBES)
            if "error" not in entry["reply"]:
                await self._commits.commit(entry_of(key, self._endpoint.identity, question=id))
            return self._journal.get(request.key)  # without a verdict on it, it goes by batch too

    async def _try_by_batch(self, request: Request, id: str, batches: Batches) -> dict:
        aside = await self._set_aside(request, by_batch=True)
        try:
            return await batches.ask(request, id, self._parameters.adapt(request.body))
        finally:
            self._budget.settle(aside)

    async def _be_served(self) -> None:
        """Once, before the first call: start the server, where it is our own. What the journal answers needs none."""
        if self._endpoint.server is None:
            return
        if self._started is None:
            self._started = asyncio.create_task(self._start(self._endpoint.server))
        await asyncio.shield(self._started)

    async def _start(self, server: Server) -> None:
        await asyncio.to_thread(server.start)
        self._client.move_to(f"{server.address}/v1")

    async def _check_model(self) -> None:
        """Once, before the first call: does the endpoint have this model? Our own server does."""
        if self._settings.embedded or not self._settings.check_model:
            return
        if self._model_checked is None:
            self._model_checked = asyncio.create_task(refuse_unlisted(self._client))
        await asyncio.shield(self._model_checked)

    async def _is_well(self) -> bool:
        """Whether the endpoint answers a question that nobody can take amiss. Asked where there is no other."""
        if self._control is None or self._control.done():
            sampling = {**self._settings.extra_body, "max_tokens": self._settings.max_tokens}
            asked = [{"role": "user", "content": f"Is it {time.ctime()}? Say yes or no."}]
            request = Request(self._endpoint.identity, asked, None, sampling)
            self._control = asyncio.create_task(self._try(request, "a control question"))
        try:
            await asyncio.shield(self._control)
        except (Transient, Rejected):
            return False
        return True

    async def _revive(self, server: Server) -> None:
        """After a connection was lost: return once our own server is well, started again if it had ended.

        Raises:
            UserError: it ends again and again, or no more calls are begun.
        """
        if self._stopped:
            raise self._stopped
        if self._reviving is None or self._reviving.done():
            reviving = asyncio.to_thread(server.revive, self._health.answers_since)
            self._reviving = asyncio.create_task(reviving)
        await asyncio.shield(self._reviving)

    async def _others_answered(self, moment: float) -> None:
        """Wait until a call that is sent after a moment is answered, or no other is left."""
        if self._batches is not None:
            return  # the others wait for a batch
        self._doubted += 1
        try:
            while not self._health.answers_since(moment) and len(self._calls) > self._doubted:
                await asyncio.sleep(0.05)
        finally:
            self._doubted -= 1

    async def _record(self, request: Request, id: str, fault: Rejected) -> dict:
        """Journal that a question has no answer."""
        entry = _unanswered(request, id, fault)
        await self._uncancelled(self._commits.commit(entry))
        return entry

    async def _wait_after(self, fault: Transient, tried: int, id: str) -> None:
        """Wait until the next try: what the provider asks for and a little more, or a random time below `backoff` times 2, 4, 8, ...

        After a "too fast", `limits` lets every call of the endpoint wait.
        """
        if self._stopped:
            raise self._stopped
        wait = 0.0
        if fault.retry_after is not None:
            wait = fault.retry_after * random.uniform(1.0, 1.1)
        elif not fault.throttled:
            wait = random.uniform(0.0, min(60.0, self._settings.backoff * 2 ** min(tried, 8)))
        self._health.failed(fault, id, wait)
        self._progress.retries += 1
        logger.info("%s: %s; trying again in %.1f s", id, fault, wait)
        await asyncio.sleep(wait)

    async def _try(self, request: Request, id: str) -> dict:
        aside = await self._set_aside(request)
        tokens = round(aside["tokens"])
        try:
            async with self._limits.slot(tokens) as asked_at:
                if self._ends_at and time.monotonic() > self._ends_at:
                    raise self._too_late()
                self._journal.refresh(at_most_every=2.0)
                if (entry := self._journal.get(request.key)) is not None:
                    return entry  # another job was faster
                try:
                    return await self._uncancelled(self._answer(request, id, tokens))
                except Transient as fault:
                    if fault.throttled:
                        self._limits.throttled(asked_at, fault.retry_after)
                    raise
                except UserError as error:
                    self.stop(error)  # before the slot is free for another call
                    raise
        finally:
            self._budget.settle(aside)

    async def _set_aside(self, request: Request, by_batch: bool = False) -> dict[str, float]:
        """Set aside what a call can take, as soon as there is room for it: what to settle afterwards."""
        input, output = self._estimate.prompt(request.size), request.body["max_tokens"]
        while (aside := self._budget.set_aside(input, output, by_batch)) is None:
            await asyncio.sleep(5.0 if by_batch else 0.1)
        return aside

    async def _answer(self, request: Request, id: str, estimated: int) -> dict:
        """Send a request and journal the answer; the entry.

        The call is over when that is on the disk: what a `kill -9` costs is then never more than the calls that
        may be in flight.
        """
        began = time.monotonic()
        reply = await self._send(request)
        seconds = time.monotonic() - began
        read, cached, written = tokens = self._counted(reply, request.size)
        self._limits.succeeded(estimated, read + written)
        if self._pace:
            self._pace.answered(seconds, read - cached + written)
        price, hours = self._endpoint.price.at()
        how = {"seconds": round(seconds, 3), **({"hours": hours} if hours else {})}
        return await self._journaled(request.key, id, reply, tokens, price.of(*tokens), began, how)

    async def _keep(self, key: str, id: str, size: int, reply: Reply, batch: str) -> dict:
        """Journal a reply that a batch has brought; the entry."""
        tokens = self._counted(reply, size)
        cost = self._endpoint.price.price.of(*tokens, by_batch=True)
        how = {"batch": batch}
        return await self._journaled(key, id, reply, tokens, cost, time.monotonic(), how)

    async def _journaled(
        self,
        key: str,
        id: str,
        reply: Reply,
        tokens: tuple[int, int, int],
        cost: float,
        sent: float,
        how: dict[str, Any],
    ) -> dict:
        """Journal a reply; the entry, once it is on the disk.

        Args:
            sent: when it was asked for (monotonic).
            how: what else the entry says.

        Raises:
            Transient: the provider broke the answer off. It is paid for, but no answer.
        """
        broken_off = is_broken_off(vars(reply.answer))
        if not broken_off:
            self._health.answered(sent)
        entry = entry_of(
            key if not broken_off else secrets.token_hex(16),
            self._endpoint.identity,
            tokens,
            cost,
            question=id,
            **how,
            reply=vars(reply.answer),
        )
        await self._commits.commit(entry)
        self._progress.called(Usage.of_entry(entry))
        if broken_off:
            raise Transient(
                f"the provider broke the answer off: {reply.answer.finish}", by_question=True
            )
        return entry

    def _too_late(self) -> UserError:
        return stop(
            f"the deadline of {self._settings.deadline:g} s for this job has passed",
            self._endpoint,
            KEPT,
        )

    async def _send(self, request: Request) -> Reply:
        """Send a request under the names that the endpoint has for its fields, which its refusals may teach."""
        while True:
            sent = self._parameters.adapt(request.body)
            try:
                return await self._client.send(sent)
            except (Rejected, Unsupported) as fault:
                if self._parameters.adapt(request.body) != sent:
                    continue  # learnt from another call meanwhile
                known = isinstance(fault, Rejected) and fault.reason != "rejected"
                learnt = None if known else self._parameters.learn(str(fault), sent)
                if learnt is None:
                    raise
                await self._commits.commit(learnt)

    def _counted(self, reply: Reply, size: int) -> tuple[int, int, int]:
        """The tokens of a call of about so many bytes: as the endpoint counts them, or else estimated."""
        content = (reply.answer.content or "").encode()
        input, output = reply.input, reply.output
        if input is None:
            input = self._estimate.prompt(size)
        else:
            self._estimate.learn(size, input)
        return input, reply.cached, self._estimate.text(len(content)) if output is None else output

    async def _uncancelled(self, work: Awaitable[Result]) -> Result:
        """Do what a stop waits for instead of breaking it off."""
        task = asyncio.current_task()
        self._on_the_wire.add(task)
        try:
            return await work
        finally:
            self._on_the_wire.discard(task)

    def stop(self, error: UserError) -> None:
        """Begin no more calls. Those on the wire go on."""
        self._stopped = self._stopped or error
        for task in self._calls.values():
            if task not in self._on_the_wire:
                task.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._budget.touch()
            if self._batches is None:
                self._progress.tick()  # a batch tells of itself
            elif self._ends_at and time.monotonic() > self._ends_at:
                self.stop(self._too_late())


def _unanswered(request: Request, id: str, fault: Rejected) -> dict:
    """The entry of a question that the endpoint does not answer."""
    refusal = {"error": {"reason": fault.reason, "message": fault.message}}
    return entry_of(request.key, request.model, question=id, reply=refusal)


def _completion(entry: dict) -> Completion:
    """The text of an entry, with what it took."""
    text, usage = text_of(entry["reply"]), Usage.of_entry(entry)
    seconds = entry.get("seconds", 0.0)
    return Completion(text, entry["reply"].get("finish"), usage.input, usage.output, seconds)


def _given_up(
    question: Question,
    parts: dict[str, Any],
    faults: dict[str, str],
    fault: Unusable,
    reply: dict,
    usage: Usage,
    from_journal: bool,
) -> Answered | Failed:
    """What is left of a question whose attempts are used up."""
    if not parts:
        raw = reply.get("content")
        return Failed(question.id, fault.reason, fault.detail, raw, usage, from_journal)
    fields = question.schema.model_fields
    missing = {name: faults.get(name, str(fault)) for name in fields if name not in parts}
    value = question.schema.model_construct(**parts, **dict.fromkeys(missing))
    return Answered(question.id, value, usage, from_journal, missing)
