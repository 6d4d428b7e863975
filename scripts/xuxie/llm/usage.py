"""What calls consume: tokens and money."""

import math
from dataclasses import dataclass, field
from typing import Any

_ABSURD = 1e8  # tokens that no call takes


def token_count(value: Any) -> int | None:
    """A number of tokens as a provider or a journal gives it (number or text); None if it is none."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(number) if 0 <= number < _ABSURD else None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money of one call, or of many added up.

    Attributes:
        input: prompt tokens, cached ones included.
        cached: those of them that the provider read from its prefix cache.
        output: completion tokens.
        cost: money, in the currency of the endpoint's prices (0 where no price is configured).
        calls: how many calls this adds up.
        paid: the money by when it was paid: by day (UTC) and, after a blank, the name of the hours where prices have any.
    """

    input: int = 0
    cached: int = 0
    output: int = 0
    cost: float = 0.0
    calls: int = 0
    paid: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of_entry(cls, entry: dict) -> "Usage":
        """What a journal's entry took; one without tokens was no call that anybody counts."""
        given = entry.get("usage")
        given = given if isinstance(given, list) and len(given) == 3 else [0, 0, 0]
        input, cached, output = (token_count(value) or 0 for value in given)
        cost = entry.get("cost")
        cost = float(cost) if isinstance(cost, int | float) and math.isfinite(cost) else 0.0
        when = f"{str(entry.get('at', ''))[:10]} {entry.get('hours') or ''}".strip()
        paid = {when: cost} if cost else {}
        return cls(input, cached, output, cost, int(input + output > 0), paid)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input + self.output

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.cost + other.cost,
            self.calls + other.calls,
            _added(self.paid, other.paid),
        )


def _added(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    if not one or not other:
        return one or other
    return {when: one.get(when, 0.0) + other.get(when, 0.0) for when in sorted({*one, *other})}


@dataclass(frozen=True, slots=True)
class Price:
    """Money per million tokens. `cached` is the price of an input token read from the provider's prefix cache (None: as `input`).

    What is asked by batch costs `batch` times as much.
    """

    input: float = 0.0
    cached: float | None = None
    output: float = 0.0
    batch: float = 0.5

    def of(self, input: int, cached: int, output: int, by_batch: bool = False) -> float:
        """The money that one call costs."""
        cached_price = self.input if self.cached is None else self.cached
        directly = (input - cached) * self.input + cached * cached_price + output * self.output
        return directly / 1e6 * (self.batch if by_batch else 1)
