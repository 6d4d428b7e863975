"""Earlier turns: consecutive passages of the novel, worded as a continuation is asked for turn by turn."""

import random

from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.alpaca import alpaca_row, prose
from xuxie.dataset.history import history, passages_before, wanted_turns
from xuxie.dataset.telling import Telling
from xuxie.sampling.turns import Story

NOVEL = "".join(
    f"第{number}句，雨还在下{'着' * (number % 7)}。" + ("\n" if number % 5 == 0 else "")
    for number in range(400)
)


@given(
    st.integers(0, len(NOVEL)),
    st.integers(0, 1500),
    st.integers(1, 5),
    st.integers(10, 80),
    st.integers(0, 200),
)
def test_passages_are_consecutive_whole_sentences_within_bounds_that_end_at_the_prompt(
    start, reach, turns, least, more
):
    start = NOVEL.rfind("第", 0, start + 1) if start else 0
    earliest = max(0, start - reach)
    found = passages_before(NOVEL, earliest, start, turns=turns, size=(least, least + more))
    assert len(found) != 1 and len(found) <= turns + 1
    edges = [edge for span in found for edge in span]
    assert edges[1:-1:2] == edges[2::2] and (not found or edges[-1] == start)
    for begin, end in found:
        assert earliest <= begin and least <= end - begin <= least + more
        assert NOVEL[begin] == "第" or begin == earliest


def test_a_row_asks_for_its_last_turn_as_a_story_does():
    passages = ["雨停了。", "他推开门。", "院子里没有人。", "灯还亮着。"]
    story = Story({"instruction": "续写：", "input": passages[0], "history": []})
    for passage in passages[1:]:
        story.add(passage, stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    asked = next(story.asks())
    assert asked["input"] == passages[3] and asked["history"] == history("续写：", passages[:3])
    assert prose({**asked, "output": "完。"}) == "".join(passages) + "完。"


@given(st.integers(0, 60), st.integers(0, 3))
def test_a_row_shows_the_stretch_of_text_that_it_says(number, seed):
    start = NOVEL.index(f"第{number + 100}句")
    edge, end = NOVEL.index(f"第{number + 110}句"), NOVEL.index(f"第{number + 120}句")
    pair = {
        "id": f"n-p{number}", "novel": "n", "chapter": 1, "length": "short", "cut_by": "structure", "prompt": NOVEL[start:edge], "completion": NOVEL[edge:end],
        "prompt_span": [start, edge], "completion_span": [edge, end],
    }  # fmt: skip
    wording = {"instructions": ["续写以下小说片段：", "接着写：", ""], "systems": ["甲", "乙"]}
    turns = {"share": 0.5, "turns": [1, 3], "passage": [50, 150]}
    row = alpaca_row(
        pair,
        split="train",
        telling=Telling(seed),
        text=NOVEL,
        earliest=0,
        turns=turns,
        prompt_learnt=False,
        seed=seed,
        **wording,
    )
    assert prose(row) == NOVEL[slice(*row["span"])] and len(row["history"]) <= 3
    assert row["instruction"] in wording["instructions"] and row["system"] in wording["systems"]
    assert row == alpaca_row(
        pair,
        split="train",
        telling=Telling(seed),
        text=NOVEL,
        earliest=0,
        turns=turns,
        prompt_learnt=False,
        seed=seed,
        **wording,
    )


def test_wordings_and_turns_are_drawn_by_their_shares():
    source = random.Random(0)
    drawn = [wanted_turns(source, share=0.25, turns=(2, 3)) for _ in range(2000)]
    assert set(drawn) == {0, 2, 3} and 420 <= sum(map(bool, drawn)) <= 580
    assert {wanted_turns(source, share=0, turns=(1, 3)) for _ in range(50)} == {0}
