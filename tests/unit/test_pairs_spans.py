"""Which pairs a chunk offers: every combination a cut offers keeps every bound of its length class."""

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from xuxie.pairs.answers import bounded_schema, chosen, free_schema
from xuxie.pairs.planning import asked_chunks, plan_chunk
from xuxie.pairs.spans import (
    LengthClass,
    Sentences,
    between_paragraphs,
    cuts,
    settled,
    spread,
)
from xuxie.text.chunks import characters

SHORT = LengthClass("short", 1, (2, 4), (2, 4))


def bounds(least: int, most: int):
    return st.tuples(st.integers(least, most), st.integers(least, most)).map(sorted).map(tuple)


@st.composite
def chunks_of_sentences(draw):
    """Prose of sentences of 2 to 40 characters, parted into scenes here and there."""
    lengths = draw(st.lists(st.integers(1, 38), min_size=1, max_size=25))
    ends = draw(
        st.lists(
            st.sampled_from(["", "", "", "\n", "\n\n"]),
            min_size=len(lengths),
            max_size=len(lengths),
        )
    )
    return "".join(
        "雨" * length + "。" + end for length, end in zip(lengths, ends, strict=True)
    ).rstrip()


length_classes = st.builds(
    LengthClass,
    name=st.just("any"),
    share=st.just(1),
    prompt=bounds(1, 200),
    completion=bounds(1, 200),
    prompt_share=st.tuples(st.integers(0, 10), st.integers(1, 10))
    .map(sorted)
    .map(lambda pair: (pair[0] / 10, pair[1] / 10)),
    tokens=st.none() | bounds(1, 300),
    whole_scene=st.booleans(),
)


def keeps(sentences: Sentences, length: LengthClass, first: int, boundary: int, last: int) -> bool:
    """Whether the pair of these sentence numbers (from 1) is of the length class: the definition, spelt out."""
    start, edge, end = (
        sentences.edges[first - 1],
        sentences.edges[boundary - 1],
        sentences.edges[last],
    )
    share = (edge - start) / (end - start)
    scenes = sentences.scenes
    whole = scenes[first - 1] == scenes[last - 1] and (
        first == 1 or scenes[first - 2] != scenes[first - 1]
    )
    whole = whole and (last == len(sentences) or scenes[last] != scenes[last - 1])
    return (
        length.prompt[0] <= edge - start <= length.prompt[1]
        and length.completion[0] <= end - edge <= length.completion[1]
        and length.prompt_share[0] - 1e-9 <= share <= length.prompt_share[1] + 1e-9
        and (
            length.tokens is None
            or length.tokens[0]
            <= sentences.tokens[last] - sentences.tokens[first - 1]
            <= length.tokens[1]
        )
        and (whole or not length.whole_scene)
    )


@given(chunks_of_sentences(), length_classes)
def test_every_combination_of_a_cut_is_of_its_length_class(text, length):
    sentences = Sentences.of(text, characters)
    for cut in cuts(sentences, length):
        for first, last in product(cut.prompt_firsts, cut.completion_lasts):
            assert keeps(sentences, length, first, cut.completion_first, last)


@settings(max_examples=50)
@given(chunks_of_sentences(), length_classes)
def test_a_boundary_that_suits_any_pair_is_among_the_cuts(text, length):
    sentences = Sentences.of(text, characters)
    offered = {cut.completion_first for cut in cuts(sentences, length)}
    for boundary in range(2, len(sentences) + 1):
        possible = product(range(1, boundary), range(boundary, len(sentences) + 1))
        # On the very edge of a share the two ways to compute it may round apart.
        exact = LengthClass(
            **{
                **vars(length),
                "prompt_share": (length.prompt_share[0] + 2e-9, length.prompt_share[1] - 2e-9),
            }
        )
        if any(keeps(sentences, exact, first, boundary, last) for first, last in possible):
            assert boundary in offered


def test_without_bounds_on_the_pair_nothing_that_suits_is_left_out():
    sentences = Sentences.of("雨停了。" * 12)
    found = cuts(sentences, LengthClass("short", 1, (4, 12), (8, 16)))
    assert [cut.completion_first for cut in found] == list(range(2, 12))
    assert found[4].prompt_firsts == (3, 4, 5) and found[4].completion_lasts == (7, 8, 9)


def test_a_whole_scene_runs_from_its_first_sentence_to_its_last():
    text = "一。二。三。\n\n四。五。六。七。\n\n八。"
    found = cuts(Sentences.of(text), LengthClass("scene", 1, (1, 50), (1, 50), whole_scene=True))
    assert [(cut.completion_first, cut.prompt_firsts, cut.completion_lasts) for cut in found] == [
        (2, (1,), (3,)), (3, (1,), (3,)), (5, (4,), (7,)), (6, (4,), (7,)), (7, (4,), (7,)),
    ]  # fmt: skip
    # Two pairs get a scene each, and a third one nothing.
    assert [
        {cut.completion_lasts for cut in part} for part in spread(found, 3, whole_scenes=True)
    ] == [{(3,)}, {(7,)}]


@given(
    chunks_of_sentences(),
    st.lists(length_classes, min_size=1, max_size=3),
    st.integers(1, 6),
    st.integers(0, 3),
)
def test_a_plan_asks_for_no_more_than_is_wanted_and_for_nothing_twice(
    text, lengths, per_chunk, seed
):
    lengths = [
        LengthClass(**{**vars(length), "name": str(index)}) for index, length in enumerate(lengths)
    ]
    plan = plan_chunk(
        {"id": "n-c1", "text": text}, lengths, per_chunk=per_chunk, seed=seed, cost=characters
    )
    assert len(plan.slots) <= per_chunk
    assert bool(plan.slots) == any(cuts(plan.sentences, length) for length in lengths)
    for length in lengths:
        firsts = [
            cut.completion_first for own, options in plan.slots if own is length for cut in options
        ]
        assert len(firsts) == len(set(firsts))
    assert plan == plan_chunk(
        {"id": "n-c1", "text": text}, lengths, per_chunk=per_chunk, seed=seed, cost=characters
    )


def test_an_end_without_choice_needs_no_right_answer():
    slots = [
        cuts(
            Sentences.of("一。二。三。四。"),
            LengthClass("scene", 1, (1, 50), (1, 50), whole_scene=True),
        )
    ]
    answer = free_schema(slots, "span")(
        pair_1={"why": "雨停了", "prompt_first": 3, "completion_first": 3, "completion_last": 3}
    )
    assert chosen(answer, slots) == [(1, 3, 4, "雨停了")]
    bounded_schema(slots, "span")(
        pair_1={"why": "", "prompt_first": 1, "completion_first": 3, "completion_last": 4}
    )


def test_in_mode_cut_one_number_says_it_all():
    sentences = Sentences.of("一。二。三。四。")
    slots = [[settled(cut, sentences) for cut in cuts(sentences, SHORT)]]
    assert chosen(free_schema(slots, "cut")(pair_1=3), slots) == [(1, 3, 4, None)]
    assert chosen(bounded_schema(slots, "cut")(pair_1=2), slots) == [(1, 2, 3, None)]
    with pytest.raises(ValidationError):
        bounded_schema(slots, "cut")(pair_1=9)
    with pytest.raises(ValueError, match="pair_1: completion_first 9 is not one of 2, 3, 4"):
        chosen(free_schema(slots, "cut")(pair_1=9), slots)


def test_completions_begin_and_end_between_paragraphs_where_the_lengths_allow():
    sentences = Sentences.of("一。二。\n三。四。\n五。六。")
    options = between_paragraphs(cuts(sentences, LengthClass("any", 1, (2, 9), (2, 11))), sentences)
    assert [cut.completion_first for cut in options] == [3, 5]
    assert [settled(cut, sentences).completion_lasts for cut in options] == [(6,), (6,)]
    shorter = LengthClass("shorter", 1, (5, 6), (2, 6))
    assert [
        settled(cut, sentences).completion_lasts
        for cut in between_paragraphs(cuts(sentences, shorter), sentences)
    ] == [(4,), (6,)]
    within = Sentences.of("一。二。三。四。五。六。")
    (second, *_) = cuts(within, SHORT)
    assert between_paragraphs([second], within) == [second]
    assert settled(second, within).completion_lasts == (3,)


@given(chunks_of_sentences(), length_classes, st.integers(1, 4))
def test_a_settled_plan_leaves_the_cut_alone_to_choose(text, length, per_chunk):
    chunk = {"id": "n-c1", "text": text}
    free = plan_chunk(chunk, [length], per_chunk=per_chunk, seed=0, cost=characters)
    plan = plan_chunk(chunk, [length], per_chunk=per_chunk, seed=0, cost=characters, settle=True)
    assert len(plan.slots) == len(free.slots)
    for (_, options), (_, all_options) in zip(plan.slots, free.slots, strict=True):
        for cut, whole in zip(options, all_options, strict=True):
            assert cut.completion_first == whole.completion_first
            assert cut.prompt_firsts == (min(whole.prompt_firsts),)
            assert (
                len(cut.completion_lasts) == 1 and cut.completion_lasts[0] in whole.completion_lasts
            )
            assert keeps(
                plan.sentences,
                length,
                cut.prompt_firsts[0],
                cut.completion_first,
                cut.completion_lasts[0],
            )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((1, 9, 3), "completion_first 9"),
        ((3, 3, 4), "prompt_first 3 is not one of 1, 2"),
        ((1, 3, 5), "completion_last 5 is not one of 3, 4"),
    ],
)
def test_an_impossible_answer_is_rejected_with_what_was_possible(numbers, words):
    slots = [cuts(Sentences.of("一。二。三。四。"), SHORT)]
    answer = free_schema(slots, "span")(
        pair_1=dict(
            zip(
                ("why", "prompt_first", "completion_first", "completion_last"),
                ("", *numbers),
                strict=True,
            )
        )
    )
    with pytest.raises(ValueError, match=words):
        chosen(answer, slots)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.text("雨停了", min_size=1, max_size=4)), max_size=20
    ).map(sorted),
    st.integers(1, 3),
)
def test_so_many_chunks_of_each_chapter_are_asked_and_an_edit_moves_no_other(texts, wanted):
    chunks = [
        {"id": str(index), "chapter": chapter, "text": text}
        for index, (chapter, text) in enumerate(texts)
    ]
    asked = asked_chunks(chunks, per_chapter=wanted, seed=0)
    for chapter in {chunk["chapter"] for chunk in chunks}:
        own = [chunk for chunk in chunks if chunk["chapter"] == chapter]
        assert len([chunk for chunk in asked if chunk["chapter"] == chapter]) == min(
            wanted, len(own)
        )
    rest = [chunk for chunk in chunks if chunk["chapter"] != 1]
    assert asked_chunks(rest, per_chapter=wanted, seed=0) == [
        chunk for chunk in asked if chunk["chapter"] != 1
    ]


@given(chunks_of_sentences())
def test_sentences_cover_the_chunk(text):
    sentences = Sentences.of(text, characters)
    assert "".join(text[start:end] for start, end in pairwise(sentences.edges)) == text
    assert len(sentences.scenes) == len(sentences) and sentences.tokens[-1] == len(text)
    assert sentences.scenes[-1] == text.count("\n\n")
