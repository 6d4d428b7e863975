"""What may be spent, how much a call can cost before it is made, and who is about to spend it."""

from contextlib import suppress
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm.journal import Journal
from xuxie.llm.shared_state import Away, SharedState
from xuxie.llm.tariff import Tariff

_TEMPLATE = 16  # tokens that a chat template puts around the messages


class TokenEstimate:
    """How many tokens a prompt has, learnt from the endpoint's own counts.

    Until the first count it assumes 0.6 tokens a byte of UTF-8 (1.8 a Chinese character), more than any current
    tokenizer needs for prose; afterwards the highest ratio seen, and a little more.
    """

    def __init__(self):
        self._ratio: float | None = None

    def prompt(self, size: int) -> int:
        """Tokens of a request of so many bytes, likely a little less than estimated."""
        return self.text(size) + _TEMPLATE

    def text(self, size: int) -> int:
        """Tokens of a text of so many bytes, likely a little less than estimated."""
        return round(size * (0.6 if self._ratio is None else 1.05 * self._ratio))

    def learn(self, size: int, counted: int) -> None:
        """Take in the endpoint's count for a request of so many bytes, of which none is more than a token."""
        self._ratio = max(self._ratio or 0.0, min(1.0, (counted - _TEMPLATE) / size))


class Budget:
    """Room for calls, as far as the most that the journal may ever have spent goes.

    What a call can cost at most is set aside before it is made and given back when the journal knows what it did cost,
    so that the budget is kept with any number of calls and jobs at once.

    Args:
        limits: `tokens` (input and output together) and `money`; a missing one or None is no limit.
        folder: jobs that name the same one share what is set aside.
    """

    def __init__(self, limits: dict | None, journal: Journal, tariff: Tariff, folder: Path):
        self._limits = {name: limit for name, limit in (limits or {}).items() if limit is not None}
        self._journal, self._price = journal, tariff.dearest
        self._mine = {"tokens": 0.0, "money": 0.0}
        self._shared = SharedState(folder, "budget") if self._limits else None

    def set_aside(self, input: int, output: int, by_batch: bool = False) -> dict[str, float] | None:
        """Set aside what a call can take (nothing where nothing is limited); None if it has to wait for calls in flight to end.

        Raises:
            UserError: the call could cross the budget whatever the calls in flight turn out to cost, or what the others
                have set aside cannot be learnt any more.
        """
        if self._shared is None:
            return {}
        try:
            return self._set_aside(self._shared, input, output, by_batch)
        except Away as away:
            if away.error:
                raise away.error from None
            return None

    def _set_aside(
        self, shared: SharedState, input: int, output: int, by_batch: bool
    ) -> dict[str, float] | None:
        call = {"tokens": input + output, "money": self._price.of(input, 0, output, by_batch)}
        with shared.held() as state:
            self._journal.refresh()
            spent = {"tokens": self._journal.spent.tokens, "money": self._journal.spent.cost}
            members = shared.members(state, **self._mine)
            aside = {name: sum(member[name] for member in members.values()) for name in call}
            for name, limit in self._limits.items():
                if spent[name] + call[name] > limit:
                    raise UserError(
                        f"the budget of {limit:g} {name} would be crossed: {spent[name]:g} are spent, the next call can take {call[name]:g}",
                        where="config: llm.budget",
                        remedy="raise it and run again: the answers so far are kept and not paid for again",
                    )
                if spent[name] + aside[name] + call[name] > limit:
                    return None
            self._add(call, 1)
            shared.members(state, **self._mine)
        return call

    def settle(self, call: dict[str, float]) -> None:
        """A call is in the journal, or was not made."""
        self._add(call, -1)
        self.touch()

    def touch(self) -> None:
        """Tell the other jobs what is set aside here; to be called every few seconds."""
        if self._shared is not None:
            with suppress(Away), self._shared.held() as state:  # the next time, then
                self._shared.members(state, **self._mine)

    def close(self) -> None:
        """Give everything back."""
        if self._shared is not None:
            self._shared.close()

    def _add(self, call: dict[str, float], sign: int) -> None:
        for name, value in call.items():
            self._mine[name] += sign * value
