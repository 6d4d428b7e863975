"""What is read before a held-out continuation, on a made-up novel whose every sentence is told from every other."""

import pytest
from xuxie.evaluation.contexts import held_out_rows, last, plan_readings


def sentence(number):
    return f"第{number:03d}句话说完了。"  # ten characters


CHAPTERS = {1: (0, 60), 2: (60, 130), 3: (130, 190)}  # in sentences
TEXT = "".join(map(sentence, range(190)))
SPANS = {("n", number): (10 * start, 10 * end) for number, (start, end) in CHAPTERS.items()}


def rows(*chapters, size=5):
    found = []
    for number in chapters:
        start, end = CHAPTERS[number]
        for at in range(start, end, size):
            span = [10 * at, 10 * min(at + size, end)]
            found.append(
                {
                    "novel": "n",
                    "chapter": number,
                    "input": f"第{number}章",
                    "output": TEXT[slice(*span)],
                    "completion_span": span,
                }
            )
    return found


def plan(held_out, **changes):
    settings = {"contexts": [0, 30, 200], "ladder_rows": 4, "stretch": 300, "room": 10_000}
    return plan_readings(held_out, {"n": TEXT}, SPANS, **{**settings, **changes})


def test_every_row_is_read_after_its_chapter_so_far():
    held_out = rows(1, 3)
    got = plan(held_out)
    assert [item.completion for item in got.whole] == [row["output"] for row in held_out]
    assert got.whole[0].context == "第1章"
    for item, row in zip(got.whole[1:8], held_out[1:8], strict=True):
        assert item.context == TEXT[: row["completion_span"][0]]


def test_a_long_chapter_leaves_its_beginning_out_but_never_the_longest_context():
    held_out = rows(2)
    got = plan(held_out, contexts=[0, 203])
    for item, row in zip(got.whole[1:], held_out[1:], strict=True):
        start = row["completion_span"][0]
        assert TEXT[SPANS["n", 2][0] : start].endswith(item.context)
        assert item.context.startswith("第")
        assert min(203, start - SPANS["n", 2][0]) <= len(item.context) <= 406
    assert len(got.whole[-1].context) < 400


def test_the_ladder_is_climbed_by_the_same_rows():
    got = plan(rows(1, 2, 3))
    assert got.longest == 200 and list(got.ladder) == [0, 30]
    assert len(got.few) == 4 and set(got.few) <= set(got.full)
    assert len({got.whole[index].chapter for index in got.few}) == 3
    for length, readings in got.ladder.items():
        assert [item.completion for item in readings] == [
            got.whole[index].completion for index in got.few
        ]
        assert [len(item.context) for item in readings] == [length] * 4
        assert all(
            got.whole[index].context.endswith(item.context)
            for index, item in zip(got.few, readings, strict=True)
        )


def test_a_mismatched_context_is_as_long_and_of_another_held_out_chapter():
    got = plan(rows(1, 2, 3))
    assert [item.completion for item in got.mismatched] == [
        got.whole[index].completion for index in got.full
    ]
    contexts = {item.context: item.chapter for item in got.whole}
    for item, index in zip(got.mismatched, got.full, strict=True):
        assert contexts[item.context] != item.chapter
        assert abs(len(item.context) - len(got.whole[index].context)) <= 100
    assert plan(rows(1)).mismatched == []


@pytest.mark.parametrize(
    "changes, longest",
    [({}, 200), ({"room": 400}, 30), ({"contexts": [0, 30, 500]}, 30), ({"contexts": [0, 2000]}, 0), ({"contexts": [100]}, 100)],
)  # fmt: skip
def test_the_longest_context_is_one_that_the_window_and_the_chapters_hold(changes, longest):
    got = plan(rows(1, 2, 3), **changes)
    assert got.longest == longest
    assert len(got.mismatched) == len(got.full) > 0
    assert all(length < longest for length in got.ladder)


def test_continuations_that_are_followed_by_place_have_one_length():
    got = plan(rows(1, 2, 3))
    assert [len(item.completion) for item in got.stretches] == [300] * 3
    for item, (start, _) in zip(got.stretches, SPANS.values(), strict=True):
        assert item.context + item.completion == TEXT[start : start + 350]
    assert {len(item.completion) for item in plan(rows(1, 2, 3), room=200).stretches} == {150}
    # Three of 550 characters are more text than one of 650.
    assert [len(item.completion) for item in plan(rows(1, 2, 3), stretch=9999).stretches] == [
        550
    ] * 3


def test_they_are_taken_from_the_chapter_and_not_from_the_few_rows_that_are_read_one_by_one():
    got = plan(held_out_rows(rows(1, 2, 3), 6), stretch=500)
    assert [len(item.completion) for item in got.stretches] == [500] * 3
    for item, (_, end) in zip(got.stretches, SPANS.values(), strict=True):
        assert TEXT.index(item.context + item.completion) + 550 <= end


def test_fewer_rows_are_the_first_of_every_chapter():
    held_out = rows(1, 2, 3)
    assert held_out_rows(held_out, None) == held_out
    few = held_out_rows(held_out, 9)
    assert [row["chapter"] for row in few] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [row["completion_span"][0] for row in few[:3]] == [0, 50, 100]
    assert [row["chapter"] for row in held_out_rows(held_out, 2)] == [1, 2]


def test_the_last_characters_begin_with_a_sentence_where_one_begins():
    assert last("一二三。四五六。", 5) == "四五六。"
    assert last("一二三四五六", 3) == "四五六"
    assert last("一二。", 9) == "一二。" and last("一二。", 0) == ""
