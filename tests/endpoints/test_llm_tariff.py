"""Prices that hang on the hour: which of them holds, and what is recorded of it."""

import datetime

import pytest
from fault_server import FaultServer
from llm_case import ask, questions
from workspace import REPOSITORY
from xuxie.errors import UserError
from xuxie.llm import Usage, open_endpoint
from xuxie.llm.endpoint import read_settings
from xuxie.llm.journal import Journal
from xuxie.llm.tariff import PriceSettings, Tariff
from xuxie.llm.usage import Price
from xuxie.pairs.estimate import by_hours

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
TWICE = {"times": ["09:00-12:00", "14:00-18:00"], "days": WEEKDAYS, "input": 2, "output": 4}
NIGHT = {"name": "night", "times": ["23:30-00:30"], "days": ["sun"], "input": 0}
PRICE = {"input": 1, "cached": 0.1, "output": 2, "zone": "Asia/Shanghai", "hours": [TWICE, NIGHT]}


def utc(day: int, clock: str) -> datetime.datetime:
    """A moment in November 2026, of which the 23rd is a Monday."""
    hour, minute = map(int, clock.split(":"))
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        (utc(23, "00:59"), ""),
        (utc(23, "01:00"), "peak"),  # nine o'clock in Shanghai
        (utc(23, "03:59"), "peak"),
        (utc(23, "04:00"), ""),
        (utc(23, "09:59"), "peak"),
        (utc(22, "02:00"), ""),  # a Sunday
        (utc(22, "15:29"), ""),
        (utc(22, "15:30"), "night"),
        (utc(22, "16:29"), "night"),  # Monday in Shanghai, of the span that began on Sunday
        (utc(22, "16:30"), ""),
        (utc(21, "16:10"), ""),  # Sunday in Shanghai, of a span that would have begun on Saturday
    ],
)
def test_the_price_is_that_of_the_hour_in_its_zone(moment, hours):
    tariff = Tariff.of(PriceSettings(**PRICE))
    prices = {"": Price(1, 0.1, 2), "peak": Price(2, 0.1, 4), "night": Price(0, 0.1, 2)}
    assert tariff.at(moment) == (prices[hours], hours)
    assert tariff.dearest == Price(2, 0.1, 4) and tariff.is_known


def test_the_simple_form_holds_at_all_hours():
    tariff = Tariff.of(PriceSettings(input=1, output=2))
    assert tariff.at() == (Price(1, None, 2), "") and tariff.dearest == Price(1, 1, 2)
    assert not Tariff.of(PriceSettings()).is_known


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"zone": "Middle/Earth"}, "'Middle/Earth' is no time zone"),
        ({"hours": [{"times": ["9-12"]}]}, "times"),
        ({"hours": [{"times": ["09:00-12:00"], "days": ["monday"]}]}, "days"),
        ({"output": -1}, "greater than or equal to 0"),
    ],
)
def test_hours_that_are_none_are_refused(change, says):
    given = {"base_url": "http://h/v1", "model": "m", "price": {**PRICE, **change}}
    with pytest.raises(UserError, match=says), open_endpoint(given):
        pass


def test_the_provider_example_is_at_its_peak_when_it_says_so():
    import yaml

    example = (REPOSITORY / "config/examples/provider.yaml").read_text(encoding="utf-8")
    tariff = Tariff.of(read_settings(yaml.safe_load(example)["endpoints"]["deepseek"]).price)
    assert tariff.at(utc(23, "01:30"))[1] == "peak" and tariff.at(utc(23, "05:00"))[1] == ""
    assert tariff.at(utc(23, "01:30"))[0].output == 2 * tariff.price.output


def test_an_answer_is_journaled_at_the_price_of_its_hour_and_it_stays_known_what_was_paid_when(
    tmp_path,
):
    always = {"name": "rush", "times": ["00:00-24:00"], "input": 3e6, "output": 0}
    with FaultServer() as server:
        price = {"input": 1e6, "hours": [always]}
        first, _ = ask(server, questions(2), tmp_path / "journal", price=price)
        day = datetime.datetime.now(datetime.UTC).date()
        money = 3.0 * len("question 0")
        assert first.usage.cost == money
        [when] = first.usage.paid
        assert when.endswith(" rush") and first.usage.paid[when] == money
        assert abs(datetime.date.fromisoformat(when.split()[0]) - day).days <= 1
        again, new = ask(
            server, [*questions(1), *questions(3)[2:]], tmp_path / "journal", price={"input": 1e6}
        )
        assert again.usage.paid == first.usage.paid and list(new.usage.paid.values()) == [10.0]
    with Journal(tmp_path / "journal") as book:
        assert book.spent.cost == 2 * money + 10


def test_an_estimate_says_what_it_would_cost_at_which_hours():
    tariffs = {"p": Tariff.of(PriceSettings(**PRICE)), "q": Tariff(), "unused": Tariff()}
    rows = [
        ("n", "generator", "p", Usage(10**6, 0, 10**6, 3.0, 5)),
        ("n", "judge", "q", Usage(9, 0, 9, 0, 1)),
    ]
    peak, night = by_hours(rows, tariffs)
    assert "p: 6.0000" in peak and "09:00-12:00" in peak and "3.0000" in peak
    assert "p: 2.0000" in night and "night (sun 23:30-00:30 Asia/Shanghai)" in night
