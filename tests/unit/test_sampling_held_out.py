"""Which prompts are continued at length, and how the author goes on from there."""

from xuxie.sampling.held_out import choose_prompts, true_continuation, watched_prompts

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
        {"id": f"v{n}", "input": "甲" * 30, "output": "乙" * 20, "history": [], "outline": "谁走了"}
        for n in range(3)
    ]
    texts = [{"novel": "n", "chapter": 1, "text": NOVEL}]
    assert watched_prompts(rows, texts, 3) == rows
    passages = watched_prompts(rows, texts, 12)
    assert len({row["id"] for row in passages}) == 12
    for row in passages:
        assert (len(row["input"]), len(row["output"]), row["outline"]) == (30, 20, "")
        assert row["input"] + row["output"] in NOVEL
    assert passages[0]["input"] == NOVEL[:30] and passages[-1]["output"] in NOVEL[450:]


def test_chapters_shorter_than_a_row_leave_the_rows_as_they_are():
    rows = [{"id": "v", "input": "甲" * 30, "output": "乙" * 20}]
    assert watched_prompts(rows, [{"novel": "n", "chapter": 1, "text": "短。"}], 4) == rows
