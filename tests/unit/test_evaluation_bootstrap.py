"""Intervals against cases whose answer is known."""

import numpy as np
import pytest
from xuxie.evaluation.intervals import interval_of_mean, interval_of_ratio


def test_a_ratio_of_sums_is_no_mean_of_ratios():
    assert interval_of_ratio([10, 1], [100, 1], ["a", "b"])["value"] == pytest.approx(11 / 101)


def test_no_spread_no_width():
    got = interval_of_mean([3.0] * 12, list("aabbccddeeff"))
    assert (got["value"], got["low"], got["high"]) == (3, 3, 3)
    assert (got["over"], got["units"]) == ("chapter", 6)


def test_chapters_are_the_units():
    # Rows of a chapter are alike: a thousand of them say no more than one.
    few = interval_of_mean([1, 2, 3, 4, 5, 6], range(6))
    many = interval_of_mean(
        list(np.repeat([1, 2, 3, 4, 5, 6], 1000)), list(np.repeat(range(6), 1000))
    )
    assert (few["low"], few["high"]) == (many["low"], many["high"])


def test_few_chapters_fall_back_to_rows_and_say_so():
    got = interval_of_mean([1, 2, 3, 4], ["a", "a", "b", "b"])
    assert (got["over"], got["units"]) == ("row", 4)
    assert 1 <= got["low"] < 2.5 < got["high"] <= 4


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    source = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        got = interval_of_mean(source.normal(0, 1, 30), range(30))
        hits += got["low"] <= 0 <= got["high"]
    assert 0.88 <= hits / 200 <= 0.99


def test_the_seed_decides_the_draw():
    values = np.random.default_rng(0).normal(size=10)
    assert interval_of_mean(values, range(10)) == interval_of_mean(values, range(10))
    assert (
        interval_of_mean(values, range(10), seed=1)["low"]
        != interval_of_mean(values, range(10), seed=2)["low"]
    )


def test_nothing_and_one():
    assert interval_of_ratio([0, 0], [0, 0], ["a", "b"]) == {
        "value": None,
        "low": None,
        "high": None,
        "over": "row",
        "units": 0,
    }
    assert interval_of_mean([], [])["value"] is None
    assert interval_of_mean([7], ["a"]) == {
        "value": 7,
        "low": None,
        "high": None,
        "over": "row",
        "units": 1,
    }
