"""Which prompts are continued at length, and how the author goes on from there."""

from xuxie.prompts.told import told
from xuxie.sampling.held_out import choose_prompts, true_continuation, watched_prompts
from xuxie.sampling.turns import Story

SENTENCES = [f"第{number:03d}句话说完了。" for number in range(60)]  # ten characters each
NOVEL = "".join(SENTENCES)
SPANS = {("n", 1): (0, 200), ("n", 2): (200, 600)}
ROWS = [
    {"id": f"r{start}", "novel": "n", "chapter": chapter, "completion_span": [start, start + 50], "output": NOVEL[start : start + 50]}
    for (_, chapter), (first, end) in SPANS.items()
    for start in range(first, end, 50)
]  # fmt: skip


def test_prompts_are_spread_over_all_rows_where_one_answer_is_asked_for():
    assert [row["id"] for row in choose_prompts(ROWS, 3, 0, SPANS)] == ["r0", "r200", "r400"]


def test_long_continuations_begin_where_enough_of_the_chapter_is_left():
    chosen = choose_prompts(ROWS, 3, 300, SPANS)
    assert [row["id"] for row in chosen] == ["r200", "r250", "r300"]
    # Four are wanted, of which only three have so much left.
    assert [row["id"] for row in choose_prompts(ROWS, 4, 300, SPANS)] == ["r200", "r250", "r300", "r350"]  # fmt: skip
    assert len(choose_prompts(ROWS, 99, 300, SPANS)) == len(ROWS)


def test_the_author_goes_on_for_as_long_as_the_systems_are_asked_to():
    row = ROWS[5]
    assert true_continuation(row, 0, {"n": NOVEL}, SPANS) == row["output"]
    assert true_continuation(row, 40, {"n": NOVEL}, SPANS) == row["output"]
    assert true_continuation(row, 123, {"n": NOVEL}, SPANS) == NOVEL[250:380]


def test_the_author_does_not_go_on_into_another_chapter():
    assert true_continuation(ROWS[1], 400, {"n": NOVEL}, SPANS) == NOVEL[50:200]


def test_a_small_novel_is_watched_at_more_places_than_it_has_rows():
    rows = [
        {"id": f"v{n}", "instruction": "续写：", "input": "甲" * 30, "output": "乙" * 20, "state": "", "outline": "", "history": []}
        for n in range(3)
    ]  # fmt: skip
    texts = [{"novel": "n", "chapter": 1, "text": NOVEL}]
    assert watched_prompts(rows, texts, 3) == rows
    passages = watched_prompts(rows, texts, 12)
    assert len({row["id"] for row in passages}) == 12
    for row in passages:
        assert (len(row["input"]), len(row["output"])) == (30, 20)
        assert row["input"] + row["output"] in NOVEL
    assert passages[0]["input"] == NOVEL[:30] and passages[-1]["output"] in NOVEL[450:]


def test_chapters_shorter_than_a_row_leave_the_rows_as_they_are():
    rows = [
        {"id": "v", "instruction": "续写：", "input": "甲" * 30, "output": "乙" * 20, "state": ""}
    ]
    assert watched_prompts(rows, [{"novel": "n", "chapter": 1, "text": "短。"}], 4) == rows


def told_rows(count):
    """Rows of the val split, which are told of the story in their instruction already."""
    state, outline = "【人物：阿澈】", "【接下来：谁走了。】"
    instruction = told("续写：", state, outline)
    row = {"instruction": instruction, "input": "甲" * 30, "output": "乙" * 20, "system": ""}
    return [
        {**row, "id": f"v{n}", "state": state, "outline": outline, "history": []}
        for n in range(count)
    ]


def test_what_a_watched_row_is_told_is_said_once():
    rows = told_rows(3)
    for row in watched_prompts(rows, [], 3):
        assert row["instruction"] == rows[0]["instruction"]
        assert next(Story(row, history_turns=0).asks())["instruction"] == row["instruction"]


def test_a_passage_of_its_own_is_not_told_what_the_first_row_is():
    texts = [{"novel": "n", "chapter": 1, "text": NOVEL}]
    passages = watched_prompts(told_rows(3), texts, 12)
    assert len(passages) == 12
    for row in passages:
        assert next(Story(row, history_turns=0).asks())["instruction"] == "续写："
