"""Tiles cover a stretch end to end, never part a sentence, and end where a reader would pause."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.tiling import Size, size_of, tile
from xuxie.text.pauses import Pause, pause_after
from xuxie.text.sentences import bounds

SIZES = [Size("medium", 3, (150, 450)), Size("long", 1, (450, 900))]

sentence = st.builds(
    lambda length, mark, end: "雨" * length + mark + end,
    st.integers(1, 120),
    # Dots alone end no sentence: one of two hundred characters fits into no tile.
    st.sampled_from(["。", "！”", "……”"]),
    st.sampled_from(["", "", "\n", "\n\n", "\n＊＊＊\n"]),
)
prose = st.lists(sentence, min_size=1, max_size=120).map("".join)


def cut(text: str, start: int = 0, sizes: list[Size] = SIZES, seed: int = 0) -> list[tuple]:
    return list(tile(text, start, len(text), sizes, random.Random(seed)))


@given(prose, st.integers(0, 50), st.integers(0, 3))
def test_tiles_follow_each_other_cover_the_stretch_and_part_no_sentence(text, start, seed):
    start = min(start, len(text) - 1)
    spans = cut(text, start, seed=seed)
    edges = [spans[0][0], *(end for _, end in spans)]
    assert edges[0] == start and edges[-1] == len(text)
    assert [first for first, _ in spans] == edges[:-1]
    assert set(edges) <= set(bounds(text, start, len(text)))
    # No sentence here is longer than 130 characters, so that one ends within any bounds.
    lengths = [end - first for first, end in spans]
    assert all(150 <= length <= 900 for length in lengths) or lengths == [len(text) - start]


@given(prose, st.integers(0, 3))
def test_a_tile_that_is_not_the_last_ends_at_the_longest_pause_within_its_bounds(text, seed):
    size = Size("one", 1, (150, 450))
    for start, end in cut(text, sizes=[size], seed=seed)[:-1]:
        edges = bounds(text, start, len(text))
        pauses = {
            last: pause_after(text, first, last)
            for first, last in zip(edges, edges[1:], strict=False)
        }
        possible = [
            last for last in pauses if 150 <= last - start <= 450 and len(text) - last >= 150
        ]
        if possible:
            assert pauses[end] == max(pauses[last] for last in possible)


@given(st.text("雨a，b。\n ”“", min_size=1, max_size=3000))
def test_any_text_is_covered(text):
    spans = cut(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(end - start <= 900 + 450 for start, end in spans)


def test_sizes_are_drawn_by_their_shares():
    text = "这是一个句子，说的是雨。\n" * 20_000
    counts = Counter(size_of(end - start, SIZES) for start, end in cut(text))
    assert 0.72 <= counts["medium"] / counts.total() <= 0.78


def test_a_sentence_without_end_is_cut_between_its_clauses():
    text = "他走了又走，" * 500
    spans = cut(text)
    assert len(spans) >= 3
    assert all(text[end - 1] == "，" and end - start <= 900 for start, end in spans)


@pytest.mark.parametrize(
    ("before", "pause"),
    [
        ("他走了。", Pause.SENTENCE),
        ("“他走了。”", Pause.SPEECH),
        ("他走了。\n", Pause.PARAGRAPH),
        ("“他走了。”\n", Pause.PARAGRAPH),
        ("他走了。\n\n", Pause.SCENE),
        ("他走了。\n　\n", Pause.SCENE),
        ("＊＊＊\n", Pause.SCENE),
        ("……\n", Pause.SCENE),
    ],
)
def test_what_ends_with_a_sentence(before, pause):
    assert pause_after(f"前。{before}后。", 2, 2 + len(before)) is pause
