"""What calls cost: set aside before they are made, counted when they are answered, and journaled with the answer."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Any

from xuxie.llm.budget import Budget, TokenEstimate
from xuxie.llm.faults import Rejected, Transient
from xuxie.llm.journal import entry_of
from xuxie.llm.reply import Reply
from xuxie.llm.request import Request
from xuxie.llm.run import Run
from xuxie.llm.structured import is_broken_off
from xuxie.llm.usage import Usage

_ROOM_SOON, _ROOM_BY_BATCH = 0.1, 5.0  # seconds between looks whether the budget has room by now


class Accounting:
    """The books of one `ask_all`.

    Args:
        limits: `tokens` and `money` that the journal's calls may take in all (see `Budget`).
        shared: jobs that name the same folder share what is set aside.
    """

    def __init__(self, run: Run, limits: dict | None, shared: Path):
        self._run, self._price = run, run.endpoint.price
        self._budget = Budget(limits, run.journal, run.endpoint.price, shared)
        self._estimate = TokenEstimate()

    def most_tokens(self, request: Request) -> int:
        """As many tokens, in and out, as a call takes at most, as far as is known."""
        return self._estimate.prompt(request.size) + request.body["max_tokens"]

    async def set_aside(self, request: Request, by_batch: bool = False) -> dict[str, float]:
        """Set aside what a call can take, as soon as there is room for it: what to settle afterwards.

        Raises:
            UserError: there will never be.
        """
        input, output = self._estimate.prompt(request.size), request.body["max_tokens"]
        while (aside := self._budget.set_aside(input, output, by_batch)) is None:
            await asyncio.sleep(_ROOM_BY_BATCH if by_batch else _ROOM_SOON)
        return aside

    def settle(self, aside: dict[str, float]) -> None:
        """A call is in the journal, or was not made."""
        self._budget.settle(aside)

    def counted(self, reply: Reply, size: int) -> tuple[int, int, int]:
        """The tokens of a call of about so many bytes: as the endpoint counts them, or else estimated."""
        content = (reply.answer.content or "").encode()
        input, output = reply.input, reply.output
        if input is None:
            input = self._estimate.prompt(size)
        else:
            self._estimate.learn(size, input)
        return input, reply.cached, self._estimate.text(len(content)) if output is None else output

    async def keep(
        self,
        key: str,
        id: str,
        reply: Reply,
        tokens: tuple[int, int, int],
        sent: float,
        seconds: float,
    ) -> dict:
        """Journal the reply to a call: the entry, once it is on the disk.

        Args:
            tokens: see `counted`.
            sent: when the call was sent (monotonic).
            seconds: how long it took.

        Raises:
            Transient: the provider broke the answer off. It is paid for, but no answer.
        """
        price, hours = self._price.at()
        how = {"seconds": round(seconds, 3), **({"hours": hours} if hours else {})}
        return await self._journal(key, id, reply, tokens, price.of(*tokens), sent, how)

    async def keep_of_batch(self, key: str, id: str, size: int, reply: Reply, batch: str) -> dict:
        """The same for a reply that a batch has brought to a request of about so many bytes."""
        tokens = self.counted(reply, size)
        cost = self._price.price.of(*tokens, by_batch=True)
        return await self._journal(key, id, reply, tokens, cost, time.monotonic(), {"batch": batch})

    async def _journal(
        self,
        key: str,
        id: str,
        reply: Reply,
        tokens: tuple[int, int, int],
        cost: float,
        sent: float,
        how: dict[str, Any],
    ) -> dict:
        broken_off = is_broken_off(vars(reply.answer))
        if not broken_off:
            self._run.health.answered(sent)
        entry = entry_of(
            key if not broken_off else secrets.token_hex(16),
            self._run.endpoint.identity,
            tokens,
            cost,
            question=id,
            **how,
            reply=vars(reply.answer),
        )
        await self._run.commits.commit(entry)
        self._run.progress.called(Usage.of_entry(entry))
        if broken_off:
            raise Transient(
                f"the provider broke the answer off: {reply.answer.finish}", by_question=True
            )
        return entry

    async def keep_refusal(self, request: Request, id: str, fault: Rejected) -> dict:
        """Journal that a question has no answer: the entry."""
        entry = unanswered(request, id, fault)
        await self._run.shutdown.uninterrupted(self._run.commits.commit(entry))
        return entry

    def touch(self) -> None:
        """Tell the other jobs what is set aside here; to be called every few seconds."""
        self._budget.touch()

    def close(self) -> None:
        """Give everything back."""
        self._budget.close()


def unanswered(request: Request, id: str, fault: Rejected) -> dict:
    """The entry of a question that the endpoint does not answer."""
    refusal = {"error": {"reason": fault.reason, "message": fault.message}}
    return entry_of(request.key, request.model, question=id, reply=refusal)
