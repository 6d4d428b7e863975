"""The split by chapter: every split has one, held-out chapters are spread over the book, training rows keep away."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.split import SPLITS, Gap, split_chapters
from xuxie.errors import UserError

shares = st.floats(0.01, 0.5)


@given(st.integers(3, 200), shares, shares, st.integers(0, 5))
def test_every_split_has_chapters_and_the_draw_is_repeatable(count, val, test, seed):
    chapters = list(range(1, count + 1))
    assigned = split_chapters(chapters, val=val, test=test, seed=seed, novel="n")
    assert list(assigned) == chapters and set(assigned.values()) == set(SPLITS)
    assert assigned == split_chapters(chapters, val=val, test=test, seed=seed, novel="n")


@given(st.integers(10, 200), st.floats(0.05, 0.3), st.integers(0, 5))
def test_test_chapters_are_spread_over_the_course_of_the_book(count, share, seed):
    assigned = split_chapters(list(range(count)), val=0.05, test=share, seed=seed, novel="n")
    held_out = [chapter for chapter, name in assigned.items() if name == "test"]
    wanted = max(1, round(share * count))
    assert len(held_out) == wanted
    for index, chapter in enumerate(held_out):
        assert round(index * count / wanted) <= chapter < round((index + 1) * count / wanted)


def test_another_seed_holds_out_other_chapters():
    draws = {
        tuple(split_chapters(range(40), val=0.1, test=0.2, seed=seed, novel="n").values())
        for seed in range(5)
    }
    assert len(draws) == 5


def test_too_few_chapters_are_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match=r"only 2 chapter"):
        split_chapters([4, 9], val=0.1, test=0.1, seed=0, novel="n")


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.data())
def test_a_gap_admits_a_span_if_and_only_if_every_held_out_chapter_is_far_enough_away(sizes, data):
    edges = [sum(sizes[:index]) for index in range(len(sizes) + 1)]
    chapters = list(itertools.pairwise(edges))
    held_out = [chapter for chapter in chapters if data.draw(st.booleans())]
    gap = data.draw(st.integers(0, 20))
    start = data.draw(st.integers(0, edges[-1] - 1))
    end = data.draw(st.integers(start + 1, edges[-1]))
    distance = min((max(begin - end, start - stop) for begin, stop in held_out), default=gap)
    guard = Gap(held_out, gap)
    assert guard.admits(start, end) == (distance >= gap)
    if guard.admits(start, end):
        clear = guard.clear_from(start)
        assert clear <= start and all(
            guard.admits(earlier, end) == (earlier >= clear) for earlier in range(start)
        )
