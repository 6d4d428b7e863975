"""How an endpoint is asked for structured answers: as configured, as once found out, or found out now."""

import asyncio
import logging
from collections import defaultdict

import pydantic

from xuxie.llm.calls import Calls
from xuxie.llm.faults import Unsupported, stop
from xuxie.llm.journal import entry_of
from xuxie.llm.question import Question
from xuxie.llm.request import Request, address, canonical
from xuxie.llm.run import Run
from xuxie.llm.structured import MODES, Unusable, read_answer, strict_schema

logger = logging.getLogger(__name__)

Schema = type[pydantic.BaseModel]

_PROBES = 3  # tries of a question that is to show it


class Modes:
    """The mode of each schema. What is found out is kept in the journal."""

    def __init__(self, run: Run, calls: Calls):
        self._run, self._calls = run, calls
        self._endpoint, self._settings = run.endpoint, run.endpoint.settings
        self._known: dict[Schema, str] = {}
        self._not_taken: defaultdict[Schema, set[str]] = defaultdict(set)
        self._one_at_a_time = asyncio.Lock()
        self._probes: set[str] = set()  # keys of the calls that were made to find one

    async def of(self, schema: Schema, question: Question) -> str:
        """The mode in which a question is asked for an answer of its schema."""
        if self._settings.structured != "auto":
            return self._settings.structured
        async with self._one_at_a_time:
            if schema not in self._known:
                mode = await self._kept(schema) or await self._found(schema, question)
                if mode is None:  # the next question will show it
                    return next(mode for mode in MODES if mode not in self._not_taken[schema])
                self._known[schema] = mode
                name = schema.__name__
                logger.info("%s is asked for %s in mode `%s`", self._endpoint.model, name, mode)
        return self._known[schema]

    async def instead(
        self, schema: Schema, question: Question, mode: str, said: Unsupported
    ) -> str:
        """Another mode for an endpoint that does not take this one.

        Raises:
            UserError: there is none.
        """
        if self._settings.structured != "auto" or mode == MODES[-1]:
            raise stop(
                f"the endpoint does not take this way to ask for structured answers: {said}",
                self._endpoint,
                "set `structured` of this endpoint to auto, json or text",
            ) from None
        self._not_taken[schema].add(
            mode
        )  # whatever the journal says, or asking it for ever is no use
        self._known.pop(schema, None)
        return await self.of(schema, question)

    def asked_for(self, key: str) -> bool:
        """Whether a call was made now to find a mode; says so once."""
        if key not in self._probes:
            return False
        self._probes.discard(key)
        return True

    def _key(self, schema: Schema) -> str:
        whose = {"mode of": self._endpoint.identity, "schema": strict_schema(schema)}
        return address(canonical(whose))

    async def _kept(self, schema: Schema) -> str | None:
        entry = self._run.journal.get(self._key(schema))
        return None if entry is None or entry["mode"] in self._not_taken[schema] else entry["mode"]

    async def _found(self, schema: Schema, question: Question) -> str | None:
        """Find out, and keep it; None if this question is answered in no mode."""
        mode = await self._strictest(schema, question)
        if mode is not None:
            key, whose = self._key(schema), self._endpoint.identity
            await self._run.commits.commit(entry_of(key, whose, mode=mode, schema=schema.__name__))
        return mode

    async def _strictest(self, schema: Schema, question: Question) -> str | None:
        """The strictest mode that the endpoint takes and seems to obey, by asking a question in earnest."""
        taken = []
        for mode in (mode for mode in MODES if mode not in self._not_taken[schema]):
            request = Request.first(self._endpoint, question, mode)
            for _ in range(2):
                try:
                    entry, now = await self._calls.entry(request, question.id, tries=_PROBES)
                    if "error" in entry["reply"]:
                        return None
                    if now:
                        self._probes.add(request.key)
                    reading = read_answer(entry["reply"], schema)
                    if reading.parts:
                        return mode
                    raise reading.fault()
                except Unsupported as fault:
                    logger.info("%s does not take mode `%s`: %s", self._endpoint.model, mode, fault)
                    self._not_taken[schema].add(mode)
                    break
                except Unusable as fault:
                    obeyed = fault.reason != "malformed"
                    if obeyed and (mode, fault.reason) != ("schema", "off schema"):
                        return mode  # this failure says nothing about the mode
                    names = tuple(schema.model_fields)
                    said = entry["reply"].get("content")
                    request = request.after(fault, said, schema, names, mode)
            else:
                taken.append(mode)
        return taken[0]
