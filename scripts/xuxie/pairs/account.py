"""What a role's answers took: counted as they come, added up over shards."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from xuxie.llm.question import Answered, Failed
from xuxie.llm.usage import Usage

Account = dict[str, Any]
"""questions, failed, and the fields of a Usage."""


class Counter:
    """Counts outcomes on their way.

    The calls, tokens and money are those of the answers that were used, whenever they were paid for: the same in every rerun.
    """

    def __init__(self):
        self._usage = Usage()
        self._questions = self._failed = 0

    def watch(self, outcomes: Iterable[Answered | Failed]) -> Iterator[Answered | Failed]:
        """The same outcomes, counted."""
        for outcome in outcomes:
            self._usage += outcome.usage
            self._questions += 1
            self._failed += isinstance(outcome, Failed)
            yield outcome

    def account(self) -> Account:
        """What was counted."""
        return {"questions": self._questions, "failed": self._failed, **asdict(self._usage)}


def add_up(accounts: Iterable[dict]) -> dict[str, Account]:
    """The accounts of shards as one for each role, whose name is in `role`."""
    totals: dict[str, Account] = {}
    for account in accounts:
        total = totals.setdefault(account["role"], {"questions": 0, "failed": 0})
        usage = _usage(total) + _usage(account)
        for name in ("questions", "failed"):
            total[name] += account[name]
        total |= asdict(usage)
    return totals


def _usage(account: dict) -> Usage:
    return Usage(
        **{each.name: account[each.name] for each in fields(Usage) if each.name in account}
    )
