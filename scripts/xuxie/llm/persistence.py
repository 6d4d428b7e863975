"""Requests that are no questions, such as those about a batch: made again until they are answered."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Transient
from xuxie.llm.health import Health

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_LONGEST = 60.0  # seconds of a wait that no provider has asked for


def longest_wait(backoff: float, tried: int) -> float:
    """Seconds to wait at most before the next try: `backoff` times 2, 4, 8, ..."""
    return min(_LONGEST, backoff * 2.0 ** min(tried, 8))


class Persistence:
    """When to make such a request again."""

    def __init__(self, endpoint: Endpoint):
        self._backoff = endpoint.settings.backoff
        self._health = Health(endpoint)

    async def insist(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do what a fault may break, until it is done.

        Raises:
            UserError: there was nothing but faults for `patience`.
        """
        tried = 0
        while True:
            try:
                result = await work()
            except Transient as fault:
                tried += 1
                await self.wait_after(fault, tried)
            else:
                self._health.answered(time.monotonic())
                return result

    async def wait_after(self, fault: Transient, tried: int) -> None:
        """Wait until the next try, after so many."""
        longest = longest_wait(self._backoff, tried)
        wait = fault.retry_after or random.uniform(0.5, 1.0) * longest
        self._health.failed(fault, "a batch", wait)
        logger.info("a request about a batch failed: %s; trying again in %.1f s", fault, wait)
        await asyncio.sleep(wait)
