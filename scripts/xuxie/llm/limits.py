"""How fast an endpoint may be asked: calls in flight, calls and tokens per minute; shared by all jobs of a journal."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.shared_state import Away, SharedState

logger = logging.getLogger(__name__)

_TICK = 0.2  # seconds between looks at the shared state
_SHRINK = 0.7  # the limit on calls in flight after a "too fast", in parts of what it was
_GROW = 0.02  # what it regains in the time that all calls in flight take once (at least 1)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 60.0  # seconds for all calls after a bare "too fast"
_BURST = {
    "requests": 1.0,
    "tokens": 5.0,
}  # seconds' worth that a bucket holds: less evenness than this, providers punish


class Limits:
    """The right to call an endpoint, handed out in the order of asking.

    The number of calls in flight follows additive increase, multiplicative decrease between 1 and the endpoint's
    `concurrency`; it is divided among the jobs by what each can use. The buckets for calls and tokens per
    minute may be overdrawn by the one call that empties them, and are then waited for.

    Args:
        folder: jobs that name the same one, on whatever node, share the limits.
    """

    def __init__(self, endpoint: Endpoint, folder: Path):
        settings = endpoint.settings
        self._most, self._patience = settings.concurrency, settings.patience
        self._rates = {
            name: rate / 60
            for name, rate in (("requests", settings.rpm), ("tokens", settings.tpm))
            if rate
        }
        self._shared = SharedState(folder, f"endpoint {endpoint.base_url} {endpoint.model}")
        self._running = 0
        self._allowed = 0
        self._paused_until = self._pause_seen = 0.0
        self._successes = 0
        self._waiting: deque[asyncio.Future] = deque()
        self._one_at_a_time = asyncio.Lock()
        self._given_up: UserError | None = None
        with suppress(Away):
            self._look(eager=True)
        self._ticking = asyncio.create_task(self._tick())

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[float]:
        """Wait for the right to make a call of about this many tokens, and have it; yields when it was given, for `throttled`.

        Raises:
            UserError: what the jobs share cannot be had any more.
        """
        await self._acquire(tokens)
        try:
            yield time.time()
        finally:
            self._release()

    async def _acquire(self, tokens: int) -> None:
        if self._given_up:
            raise self._given_up
        if self._waiting or self._running >= self._allowed:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn  # whoever wakes us has counted us in
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._release()
                else:
                    self._waiting.remove(turn)
                raise
        else:
            self._running += 1
        try:
            if self._rates:
                async with self._one_at_a_time:
                    while (wait := self._draw(tokens)) > 0:
                        await asyncio.sleep(wait)
            while (wait := self._paused_until - time.time()) > 0:
                await asyncio.sleep(wait)
        except (asyncio.CancelledError, UserError):
            self._release()
            raise

    def _release(self) -> None:
        self._running -= 1
        self._wake()

    def succeeded(self, estimated: int, used: int) -> None:
        """A call was answered: the limit may grow, and the tokens are booked as they were."""
        self._successes += 1
        if "tokens" in self._rates and estimated != used:
            with suppress(Away), self._shared.held() as state:  # the answer is worth more than that
                level, at = state.get("tokens", [0.0, time.time()])
                state["tokens"] = [level + estimated - used, at]

    def throttled(self, asked_at: float, retry_after: float | None) -> None:
        """A call that was let go at `asked_at` was told to slow down: fewer calls, and none before the time that was named.

        Where none was named, every job pauses for a moment, and for twice as long each time that this did not help.
        """
        with suppress(Away):
            self._slow_down(asked_at, retry_after)
            self._look()

    def _slow_down(self, asked_at: float, retry_after: float | None) -> None:
        now = time.time()
        with self._shared.held() as state:
            if asked_at >= state.get(
                "cut_at", 0.0
            ):  # calls that left before the last cut say nothing new
                state["limit"] = max(1.0, state.get("limit", self._most) * _SHRINK)
                state["cut_at"] = now
                pause = state["pause"] = min(
                    _LONGEST_PAUSE, 2 * state.get("pause", _FIRST_PAUSE / 2)
                )
                wait = retry_after or pause
                logger.info(
                    "the endpoint says we are too fast: down to %d calls at a time, none for %.1f s",
                    state["limit"],
                    wait,
                )
            else:
                wait = retry_after or 0.0
            state["paused_until"] = max(state.get("paused_until", 0.0), now + wait)

    def close(self) -> None:
        """Give everything back."""
        self._ticking.cancel()
        self._shared.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            try:
                self._look()
            except Away as away:
                if away.error:
                    self._give_up(away.error)

    def _give_up(self, error: UserError) -> None:
        """Nobody gets a call any more."""
        self._given_up = error
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _look(self, eager: bool = False) -> None:
        """Tell the others what we use, learn what we may."""
        wanted = self._most if eager else self._running + len(self._waiting)
        with self._shared.held() as state:
            limit = min(state.get("limit", self._most), self._most)
            if self._successes:
                limit = min(self._most, limit + self._successes * max(1 / limit, _GROW))
                self._successes = 0
                state.pop("pause", None)
            state["limit"] = limit
            everybody = self._shared.members(
                state, wanted=wanted, held=max(self._running, self._allowed)
            )
            if eager and len(everybody) == 1:
                limit = state["limit"] = (
                    self._most
                )  # what a job that was killed had been told no longer counts
            others = sum(
                member["held"] for name, member in everybody.items() if name != self._shared.me
            )
            share = fair_share(
                int(limit), {name: member["wanted"] for name, member in everybody.items()}
            )[self._shared.me]
            self._allowed = max(0, min(share, int(limit) - others))
            everybody[self._shared.me]["held"] = max(self._running, self._allowed)
            self._heed(state.get("paused_until", 0.0))
        self._wake()

    def _heed(self, until: float) -> None:
        """Ask nothing before a time that a job of whatever patience was told, nor wait for longer than our own."""
        if until != self._pause_seen:
            self._pause_seen = until
            self._paused_until = min(until, time.time() + self._patience)

    def _wake(self) -> None:
        while self._waiting and self._running < self._allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _draw(self, tokens: int) -> float:
        """Take a call's worth out of the buckets, or say in how many seconds they will hold something."""
        try:
            return self._drawn(tokens)
        except Away as away:
            if away.error:
                raise away.error from None
            return _TICK

    def _drawn(self, tokens: int) -> float:
        costs = {"requests": 1, "tokens": tokens}
        now = time.time()
        with self._shared.held() as state:
            wait = 0.0
            for name, rate in self._rates.items():
                full = max(1.0, rate * _BURST[name])
                level, at = state.get(name, [full, now])
                level = min(full, level + max(0.0, now - at) * rate)
                state[name] = [level, now]
                if level <= 0:
                    wait = max(wait, (1e-3 - level) / rate)
            if not wait:
                for name in self._rates:
                    state[name][0] -= costs[name]
        return wait


def fair_share(limit: int, wanted: dict[str, int]) -> dict[str, int]:
    """Divide a limit: nobody is kept short while another has more than an equal part; what nobody wants is divided, too."""
    share, left = {}, limit
    in_order = sorted(wanted, key=lambda name: (wanted[name], name))
    for place, name in enumerate(in_order):
        share[name] = min(wanted[name], left // (len(in_order) - place))
        left -= share[name]
    for place, name in enumerate(in_order):
        extra = left // (len(in_order) - place)
        share[name] += extra
        left -= extra
    return share
