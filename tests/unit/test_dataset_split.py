"""The split by chapter: every split has one, held-out chapters are spread over the book or its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.split import SPLITS, split_chapters
from xuxie.errors import UserError

shares = st.floats(0.01, 0.5)
methods = st.sampled_from(["spread", "last"])


def split(
    count: int, *, method: str = "spread", val: float = 0.1, test: float = 0.2, seed: int = 0
):
    return split_chapters(
        range(1, count + 1), method=method, val=val, test=test, seed=seed, novel="n"
    )


@given(st.integers(3, 200), methods, shares, shares, st.integers(0, 5))
def test_every_split_has_chapters_and_the_draw_is_repeatable(count, method, val, test, seed):
    asked = {"method": method, "val": val, "test": test, "seed": seed}
    assigned = split(count, **asked)
    assert list(assigned) == list(range(1, count + 1)) and set(assigned.values()) == set(SPLITS)
    assert assigned == split(count, **asked)


@given(st.integers(12, 200), st.floats(0.05, 0.3), st.integers(0, 5))
def test_test_chapters_are_spread_over_the_course_of_the_book(count, share, seed):
    assigned = split(count, val=0.05, test=share, seed=seed)
    held_out = [chapter for chapter, name in assigned.items() if name == "test"]
    wanted = max(4, round(share * count))
    assert len(held_out) == wanted
    for index, chapter in enumerate(held_out):
        assert round(index * count / wanted) < chapter <= round((index + 1) * count / wanted)


@given(st.integers(3, 200), shares, shares)
def test_the_last_chapters_are_held_out_and_those_before_them_watched(count, val, test):
    names = list(split(count, method="last", val=val, test=test).values())
    assert names == sorted(names, key=SPLITS.index)


@given(methods, st.floats(0.01, 0.3))
def test_enough_chapters_are_held_out_for_an_interval_where_there_are_enough(method, test):
    assert list(split(12, method=method, test=test).values()).count("test") == 4
    assert list(split(11, method=method, test=0.05).values()).count("test") == 1


def test_another_seed_holds_out_other_chapters():
    draws = {tuple(split(40, seed=seed).values()) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_chapters_are_an_error_that_says_what_to_do(count):
    with pytest.raises(UserError, match=rf"has {count} chapter") as caught:
        split(count)
    assert "chapter_pattern" in str(caught.value) and "scene_size" in str(caught.value)
