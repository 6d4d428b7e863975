"""Intervals against cases whose answer is known, and against many whose truth is."""

import numpy as np
import pytest
from scipy import stats
from xuxie.evaluation.intervals import (
    detectable,
    enough_chapters,
    interval_of_auc,
    interval_of_estimates,
    interval_of_mean,
    interval_of_ratio,
    interval_of_share,
    verdict,
)


def test_a_ratio_of_sums_is_no_mean_of_ratios():
    assert interval_of_ratio([10, 1], [100, 1], ["a", "b"])["value"] == pytest.approx(11 / 101)


def test_of_one_value_a_chapter_it_is_the_textbook_interval():
    values = [4.1, 5.2, 3.9, 4.4, 6.0]
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    got = interval_of_mean(values, range(5))
    assert (got["low"], got["high"], got["chapters"]) == pytest.approx((low, high, 5))


def test_no_spread_no_width():
    got = interval_of_mean([3.0] * 12, list("aabbccddeeff"))
    assert (got["value"], got["low"], got["high"], got["chapters"]) == (3, 3, 3, 6)


def test_chapters_are_the_units():
    # Rows of a chapter are alike: a thousand of them say no more than one.
    few = interval_of_mean([1, 2, 3, 4, 5, 6], range(6))
    many = interval_of_mean(
        list(np.repeat([1, 2, 3, 4, 5, 6], 1000)), list(np.repeat(range(6), 1000))
    )
    assert (few["low"], few["high"]) == pytest.approx((many["low"], many["high"]))


def clustered(draw, chapters, rows, shift=0.0):
    """Differences of bits and characters of rows, alike within a chapter (ICC 0.3), in chapters of uneven length."""
    bits, characters, names = [], [], []
    for chapter in range(chapters):
        mood = draw.normal(0, 0.3**0.5)
        for _ in range(draw.integers(1, 2 * rows)):
            size = draw.integers(150, 350)
            bits.append(size * (shift + mood + draw.normal(0, 0.7**0.5)))
            characters.append(size)
            names.append(chapter)
    return bits, characters, names


@pytest.mark.parametrize("chapters, rows", [(3, 3), (4, 6), (8, 3), (16, 10)])
def test_where_there_is_no_effect_one_run_in_twenty_finds_one(chapters, rows):
    # Drawn by a percentile bootstrap 12 to 26 % of such runs found one.
    draw = np.random.default_rng(1)
    verdicts = [verdict(interval_of_ratio(*clustered(draw, chapters, rows))) for _ in range(1500)]
    assert 0.035 < 1 - verdicts.count("unclear") / 1500 < 0.075


def test_the_detectable_effect_is_found_in_four_runs_of_five():
    draw = np.random.default_rng(2)
    smallest = (
        np.mean([detectable(interval_of_ratio(*clustered(draw, 8, 4))) ** 2 for _ in range(300)])
        ** 0.5
    )
    found = [
        verdict(interval_of_ratio(*clustered(draw, 8, 4, shift=-smallest))) == "better"
        for _ in range(500)
    ]
    assert 0.7 < np.mean(found) < 0.9


@pytest.mark.parametrize(
    "values, chapters, expected",
    [([-1, -1.1, -0.9], "abc", "better"), ([1, 1.1, 0.9], "abc", "worse"), ([-1, 1, 0.5], "abc", "unclear"),
     ([-1, -1.001], "ab", "unclear"), ([-1], "a", "unclear"), ([-1, -1.1, -0.9], "aaa", "unclear"), ([], "", "unclear")],
)  # fmt: skip
def test_a_verdict_needs_three_chapters_and_an_interval_without_zero(values, chapters, expected):
    assert verdict(interval_of_mean(values, chapters)) == expected


def test_what_is_no_number_is_neither_better_nor_worse():
    nan = float("nan")
    assert verdict({"value": nan, "low": nan, "high": nan, "chapters": 4}) == "unclear"


def test_nothing_and_one():
    nothing = {"value": None, "low": None, "high": None, "chapters": 0}
    assert interval_of_ratio([0, 0], [0, 0], ["a", "b"]) == nothing == interval_of_mean([], [])
    one = interval_of_mean([7], ["a"])
    assert one == {"value": 7, "low": None, "high": None, "chapters": 1}
    assert detectable(one) is None
    assert interval_of_estimates(0.5, [0.4, 0.6])["chapters"] == 2


def test_none_of_a_few_is_not_surely_none():
    got = interval_of_share([0] * 8, [1] * 8, "aabbccdd")
    assert (got["value"], got["low"]) == (0, 0)
    # Clopper and Pearson's bound for none of four.
    assert got["high"] == pytest.approx(stats.binomtest(0, 4).proportion_ci(0.95, "exact").high)
    assert interval_of_share([1, 1, 1], [1, 1, 1], "abc")["low"] == pytest.approx(0.025 ** (1 / 3))
    assert interval_of_share([], [], [])["low"] is None


def test_a_share_stays_between_none_and_all():
    got = interval_of_share([0, 1, 1], [1, 1, 1], "abc")
    assert (got["low"], got["high"]) == (0, 1)


def test_the_area_under_the_curve_is_counted_by_hand():
    # Of 3 × 3 comparisons six are won, and one is a tie.
    got = interval_of_auc([1, 2, 3], [2, 3, 4], "abc")
    assert got["value"] == pytest.approx((1 + 1 + 1 + 1 + 1 + 1 + 0 + 0.5 + 0.5) / 9)
    assert 0 <= got["low"] < got["value"] < got["high"] <= 1 and got["chapters"] == 3


def test_an_area_without_a_miss_is_not_surely_one():
    got = interval_of_auc([1, 2, 3, 4], [5, 6, 7, 8], "aabb")
    assert (got["value"], got["high"]) == (1, 1) and got["low"] == pytest.approx(0.025**0.5)


def test_the_area_of_two_samples_of_one_kind_is_a_half_as_often_as_it_says():
    draw = np.random.default_rng(3)
    chapters = np.repeat(range(6), 5)
    held = 0
    for _ in range(300):
        moods = np.repeat(draw.normal(0, 1, 6), 5)
        got = interval_of_auc(draw.normal(moods), draw.normal(moods), chapters.tolist())
        held += got["low"] <= 0.5 <= got["high"]
    assert held / 300 > 0.9


def test_so_many_chapters_would_have_been_enough():
    # A t test's textbook case: an effect of one deviation takes ten observations, one of half a deviation 34.
    def difference(effect):
        values = np.array([-1.0, 1.0, -1.0, 1.0, 0.0])
        values = values / values.std(ddof=1) + effect
        return interval_of_mean(values.tolist(), range(5))

    assert 9 <= enough_chapters(difference(1.0)) <= 11
    assert 33 <= enough_chapters(difference(-0.5)) <= 36
    assert enough_chapters(difference(0.0)) is None
    assert enough_chapters(interval_of_mean([1.0], "a")) is None
