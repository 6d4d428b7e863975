"""The control question: one that nobody can take amiss, asked in the form of the one that failed."""

import asyncio
from datetime import datetime

from xuxie.llm.faults import Rejected, Transient, Unsupported
from xuxie.llm.request import Request, canonical
from xuxie.llm.run import Run
from xuxie.llm.sender import Sender


class Control:
    """What tells a question that an endpoint does not answer from an endpoint that answers none."""

    def __init__(self, run: Run, sender: Sender):
        self._run, self._sender = run, sender
        self._asked: dict[bytes, asyncio.Task[dict]] = {}  # by form, while they are on the way

    async def is_answered(self, request: Request) -> bool:
        """Whether the endpoint answers something else in a request's form: its fields, its roles, its format.

        Raises:
            UserError: the job cannot go on.
        """
        form = canonical({**request.body, "messages": _said_in_place(request.messages, "")})
        task = self._asked.get(form)
        if task is None:
            task = asyncio.create_task(
                self._sender.send(self._instead_of(request), "a control question")
            )
            self._asked[form] = task
            task.add_done_callback(lambda _: self._asked.pop(form))
            # Whoever asked for it may be gone when it fails.
            task.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            await asyncio.shield(task)
        except (Transient, Rejected, Unsupported):
            return False
        return True

    def _instead_of(self, request: Request) -> Request:
        # To the microsecond: of a question that it knows the journal has an answer, and nobody would be asked.
        said = f"Is it {datetime.now()}? Say yes or no{', in JSON' if request.format else ''}."
        messages = _said_in_place(request.messages, said)
        return Request(self._run.endpoint.identity, messages, request.format, request.sampling)


def _said_in_place(messages: list[dict], words: str) -> list[dict]:
    """A conversation of the same roles with other words: an endpoint may take no system's message, say."""
    return [{**message, "content": words} for message in messages]
