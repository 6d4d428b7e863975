"""What is made sure of before the first call: the journal can be written, our own server runs, the model's name is known."""

import asyncio

from xuxie.llm.model_list import refuse_unlisted
from xuxie.llm.run import Run
from xuxie.llm.server import Server


class Readiness:
    """Whether an endpoint can be asked; what the journal answers needs none of it."""

    def __init__(self, run: Run):
        self._run = run
        self._made: asyncio.Task[None] | None = None
        self._reviving: asyncio.Task[None] | None = None

    async def make(self) -> None:
        """Once, before the first call: try the journal, start the server, where it is our own, ask the endpoint for its models.

        Raises:
            UserError: no answer could be kept, the server does not come up, or the endpoint does not have the model.
        """
        if self._made is None:
            self._made = asyncio.create_task(self._make())
        await asyncio.shield(self._made)

    async def _make(self) -> None:
        endpoint, client = self._run.endpoint, self._run.client
        await asyncio.to_thread(self._run.journal.refuse_unwritable)
        if endpoint.server is not None:
            await asyncio.to_thread(endpoint.server.start)
            await self.until_revived()
            client.move_to(f"{endpoint.server.address}/v1")
        if endpoint.settings.check_model and not endpoint.settings.embedded:
            await refuse_unlisted(client)

    async def revive(self, server: Server) -> None:
        """After a connection was lost: return once our own server is well, started again if it had ended.

        Raises:
            UserError: it ends again and again, or no more calls are begun.
        """
        self._run.shutdown.refuse()
        if self._reviving is None or self._reviving.done():
            self._reviving = asyncio.create_task(self._revive(server))
        await asyncio.shield(self._reviving)

    async def _revive(self, server: Server) -> None:
        await asyncio.to_thread(server.revive, self._run.health.answers_since)
        self._run.client.move_to(f"{server.address}/v1")

    async def until_revived(self) -> None:
        """Bring our own server back, if it has ended, or wait while that is done: somebody else may listen where it was.

        Raises:
            UserError: it does not come back.
        """
        server = self._run.endpoint.server
        if server is not None and server.has_ended:
            await self.revive(server)
        elif self._reviving is not None:
            await asyncio.shield(self._reviving)
