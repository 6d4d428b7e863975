"""The orderly end of a job: no more calls are begun, and those on the wire, which are paid for, are waited for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from xuxie.errors import UserError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Shutdown:
    """Whether calls may still be begun, and which ones are on the wire. Used inside one event loop.

    Attributes:
        error: why no more calls are begun; None while they are.
    """

    def __init__(self) -> None:
        self.error: UserError | None = None
        self._calls: set[asyncio.Task] = set()
        self._on_the_wire: set[asyncio.Task | None] = set()
        self._told: list[Callable[[], object]] = []

    @property
    def calls(self) -> int:
        """How many calls are under way."""
        return len(self._calls)

    def refuse(self) -> None:
        """Raise the error, if no more calls are begun."""
        if self.error:
            raise self.error

    def begin(self, error: UserError) -> None:
        """Begin no more calls. Those on the wire go on."""
        self.error = self.error or error
        for task in self._calls - self._on_the_wire:
            task.cancel()
        for tell in self._told:
            tell()

    def tell(self, whom: Callable[[], object]) -> None:
        """Have somebody called when it begins."""
        self._told.append(whom)

    def call(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """A task that a shutdown cancels, unless it is on the wire."""
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    async def uninterrupted(self, work: Awaitable[Result]) -> Result:
        """Do what a shutdown waits for instead of breaking it off: from now on, the current task is on the wire."""
        task = asyncio.current_task()
        self._on_the_wire.add(task)
        try:
            return await work
        finally:
            self._on_the_wire.discard(task)

    async def drain(self, grace: float) -> None:
        """Wait for what is on the wire, for so many seconds at most."""
        left = [task for task in self._on_the_wire if task]
        if left:
            logger.info(
                "waiting %.0f s at most for %d calls in flight, so that nothing paid for is lost",
                grace,
                len(left),
            )
            await asyncio.wait(left, timeout=grace)
