"""What an endpoint charges, and at which hours."""

import datetime
from dataclasses import dataclass, field
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import pydantic

from xuxie.llm.usage import Price

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIMES = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"
_Money = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]


class HoursSettings(pydantic.BaseModel):
    """Hours with prices of their own; what is left out costs what it costs at others."""

    model_config = pydantic.ConfigDict(extra="forbid")

    name: str = "peak"
    times: list[Annotated[str, pydantic.Field(pattern=_TIMES)]]
    days: list[Day] = list(DAYS)
    input: _Money | None = None
    cached: _Money | None = None
    output: _Money | None = None


class PriceSettings(pydantic.BaseModel):
    """An endpoint's `price` in the configuration."""

    model_config = pydantic.ConfigDict(extra="forbid")

    input: _Money = 0.0
    cached: _Money | None = None
    output: _Money = 0.0
    batch: _Money = 0.5
    zone: str = "UTC"
    hours: list[HoursSettings] = []

    @pydantic.field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            _zone(zone)
        except (OSError, LookupError, ValueError):
            raise ValueError(
                f"{zone!r} is no time zone: UTC, Asia/Shanghai or their like"
            ) from None
        return zone


@dataclass(frozen=True)
class Hours:
    """Hours with prices of their own.

    Attributes:
        name: what they are called.
        spans: from and to, as minutes of the day; one that ends before it begins goes on into the next day.
        days: of the week, on which spans begin; Monday is 0.
        when: the same in words.
    """

    name: str
    price: Price
    spans: tuple[tuple[int, int], ...]
    days: frozenset[int]
    when: str

    def hold(self, local: datetime.datetime) -> bool:
        """Whether a local time is one of them."""
        minute, today = 60 * local.hour + local.minute, local.weekday()
        return any(
            start <= minute < end and today in self.days
            if start < end
            else (minute >= start and today in self.days)
            or (minute < end and (today - 1) % 7 in self.days)
            for start, end in self.spans
        )


@dataclass(frozen=True)
class Tariff:
    """What an endpoint charges.

    Attributes:
        price: at all hours but those of `hours`, and of batches.
        hours: those with prices of their own; of two that overlap, the first one holds.
        zone: whose clock they go by.
    """

    price: Price = field(default_factory=Price)
    hours: tuple[Hours, ...] = ()
    zone: datetime.tzinfo = datetime.UTC

    @classmethod
    def of(cls, settings: PriceSettings) -> "Tariff":
        """The tariff of an endpoint's settings."""
        base = Price(settings.input, settings.cached, settings.output, settings.batch)
        hours = []
        for entry in settings.hours:
            price = Price(
                base.input if entry.input is None else entry.input,
                base.cached if entry.cached is None else entry.cached,
                base.output if entry.output is None else entry.output,
                base.batch,
            )
            spans = [span.split("-") for span in entry.times]
            minutes = tuple((_minute(start), _minute(end)) for start, end in spans)
            days = frozenset(DAYS.index(day) for day in entry.days)
            when = " ".join([*entry.days, *entry.times, settings.zone])
            hours.append(Hours(entry.name, price, minutes, days, when))
        return cls(base, tuple(hours), _zone(settings.zone))

    def at(self, moment: datetime.datetime | None = None) -> tuple[Price, str]:
        """The price at a moment (None: now), and the name of such hours; "" is all others."""
        local = (moment or datetime.datetime.now(datetime.UTC)).astimezone(self.zone)
        for hours in self.hours:
            if hours.hold(local):
                return hours.price, hours.name
        return self.price, ""

    @property
    def is_known(self) -> bool:
        """Whether anything costs something."""
        return self.dearest.of(1, 0, 1) > 0

    @property
    def dearest(self) -> Price:
        """The most that anything costs at any hour."""
        prices = [self.price, *(hours.price for hours in self.hours)]
        return Price(
            max(price.input for price in prices),
            max(price.input if price.cached is None else price.cached for price in prices),
            max(price.output for price in prices),
            self.price.batch,
        )


def _zone(name: str) -> datetime.tzinfo:
    """A time zone by name; UTC is there on systems without their database, too."""
    return datetime.UTC if name == "UTC" else ZoneInfo(name)


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return 60 * int(hour) + int(minute)
