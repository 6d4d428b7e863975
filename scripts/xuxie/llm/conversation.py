"""The course of a question: it is asked, and asked again for what is missing, until it has its outcome.

Each attempt follows from the answers before it, which the journal keeps: so a course can be broken off at any call and
be walked again from its beginning.
"""

import logging
from typing import Any

import pydantic

from xuxie.llm.batches import Parked
from xuxie.llm.calls import Calls
from xuxie.llm.faults import Unsupported
from xuxie.llm.modes import Modes
from xuxie.llm.question import Answered, Completion, Failed, Question
from xuxie.llm.request import Request
from xuxie.llm.run import Run
from xuxie.llm.structured import MODES, Reading, Unusable, read_answer, text_of
from xuxie.llm.usage import Usage

logger = logging.getLogger(__name__)

Schema = type[pydantic.BaseModel]


class Conversation:
    """How an endpoint is asked questions."""

    def __init__(self, run: Run, calls: Calls, modes: Modes):
        self._endpoint, self._calls, self._modes = run.endpoint, calls, modes

    async def outcome(self, question: Question, made: bool = False) -> Answered | Failed:
        """Ask until an answer can be used or the attempts are used up.

        Args:
            made: a call was made for this question in this run already.

        Raises:
            Parked: its answer will be long in coming; ask again when it is there.
        """
        if question.schema is None:
            return await self._in_text(question, made)
        return await self._on_schema(question, question.schema, made)

    async def _entry(self, request: Request, id: str, made: bool) -> tuple[dict, bool]:
        """The journal's entry of a request, and whether a call was made by now."""
        try:
            entry, now = await self._calls.entry(request, id)
        except Parked as parked:
            raise Parked(parked.key, made=parked.made or made) from None
        return entry, made or now or self._modes.asked_for(request.key)

    async def _in_text(self, question: Question, made: bool) -> Answered | Failed:
        request = Request.first(self._endpoint, question, MODES[-1])
        entry, made = await self._entry(request, question.id, made)
        usage = Usage.of_entry(entry)
        try:
            completion = _completion(entry, usage)
        except Unusable as fault:
            _tell(question, request, fault)
            said = entry["reply"].get("content")
            return Failed(question.id, fault.reason, fault.detail, said, usage, not made)
        return Answered(question.id, completion, usage, not made)

    async def _on_schema(self, question: Question, schema: Schema, made: bool) -> Answered | Failed:
        usage = Usage()
        parts: dict[str, Any] = {}
        mode = await self._modes.of(schema, question)
        request = Request.first(self._endpoint, question, mode)
        while True:
            try:
                entry, made = await self._entry(request, question.id, made)
            except Unsupported as fault:
                mode = await self._modes.instead(schema, question, mode, fault)
                request = Request.first(self._endpoint, question, mode)
                continue
            usage += Usage.of_entry(entry)
            reply = entry["reply"]
            unusable, faults = _read(reply, question, schema, parts)
            if unusable is None:
                return Answered(question.id, schema.model_construct(**parts), usage, not made)
            _tell(question, request, unusable)
            following = self._following(request, unusable, reply, schema, tuple(parts), mode)
            if following is None:
                if not parts:
                    reason, detail = unusable.reason, unusable.detail
                    raw = reply.get("content")
                    return Failed(question.id, reason, detail, raw, usage, not made)
                missing = _missing(schema, parts, faults, unusable)
                value = schema.model_construct(**parts, **dict.fromkeys(missing))
                return Answered(question.id, value, usage, not made, missing)
            request = following

    def _following(
        self,
        request: Request,
        fault: Unusable,
        reply: dict,
        schema: Schema,
        had: tuple[str, ...],
        mode: str,
    ) -> Request | None:
        """What to ask after an answer that could not be used as a whole; None if that is no use."""
        settings = self._endpoint.settings
        if request.attempt + 1 >= settings.attempts or "error" in reply:
            return None
        if fault.reason == "length":
            return request.with_more_room(settings.max_output)
        missing = tuple(name for name in schema.model_fields if name not in had)
        return request.after(fault, reply.get("content"), schema, missing, mode)


def _tell(question: Question, request: Request, fault: Unusable) -> None:
    logger.info("%s: attempt %d cannot be used: %s", question.id, request.attempt + 1, fault)


def _read(
    reply: dict, question: Question, schema: Schema, parts: dict[str, Any]
) -> tuple[Unusable | None, dict[str, str]]:
    """Add to the parts what a reply has of them: what is wrong with the rest, in all and by field; None if nothing is missing."""
    try:
        reading = read_answer(reply, schema, question.check, in_parts=question.in_parts)
    except Unusable as error:
        return error, {}
    parts |= {name: part for name, part in reading.parts.items() if name not in parts}
    if parts.keys() >= schema.model_fields.keys():
        return None, {}
    faults = {name: said for name, said in reading.faults.items() if name not in parts}
    return Reading({}, faults).fault(), faults


def _missing(
    schema: Schema, parts: dict[str, Any], faults: dict[str, str], fault: Unusable
) -> dict[str, str]:
    """The fields that nothing was found for, and what was wrong with them last."""
    return {name: faults.get(name, str(fault)) for name in schema.model_fields if name not in parts}


def _completion(entry: dict, usage: Usage) -> Completion:
    """The text of an entry, with what it took.

    Raises:
        Unusable: see `text_of`.
    """
    text, seconds = text_of(entry["reply"]), entry.get("seconds", 0.0)
    return Completion(text, entry["reply"].get("finish"), usage.input, usage.output, seconds)
