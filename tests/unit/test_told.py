"""What a question tells of the story beside the passage: the wording, from which text it is made, and what a long continuation remembers."""

import random
import re

import pytest
from dataset_case import CHAPTERS, built, novel, novel_text, settings
from workspace import REPOSITORY
from xuxie.chat.session import Session
from xuxie.config.completion import complete_config
from xuxie.dataset.alpaca import prose
from xuxie.dataset.build import build
from xuxie.dataset.sketched import OUTLINE, SUMMARY, passages, tell
from xuxie.dataset.telling import Memory, drawn
from xuxie.errors import UserError
from xuxie.evaluation.told import (
    FOREIGN,
    WITH,
    WITHOUT,
    compare_told,
    outline_readings,
    state_readings,
)
from xuxie.llm import Answered, Failed, Usage
from xuxie.pairs.sketches import EnglishSketch, Sketch, check, questions, sketches
from xuxie.pairs.templates import OF_SKETCH
from xuxie.prompts.question import question
from xuxie.prompts.told import (
    PEOPLE,
    WORDS,
    State,
    instruction_alone,
    latest,
    outline_line,
    told,
)
from xuxie.sampling.memory import remembering
from xuxie.sampling.outlines import with_outlines
from xuxie.sampling.turns import Story
from xuxie.text.cast import Cast
from xuxie.text.places import places_of

FULL = State("话比猪贵", ("花老三", "万掌柜"), ("秤房",), "两人为一只坛子争执，不欢而散。")


def test_a_block_is_one_bracketed_line_in_the_novel_s_language():
    assert (
        FULL.line("zh")
        == "【本章：话比猪贵；人物：花老三、万掌柜；地点：秤房；前情：两人为一只坛子争执，不欢而散。】"
    )
    assert State("Dusk", ("Ann", "Bob")).line("en") == "[Chapter: Dusk; People: Ann, Bob]"
    assert State().line("zh") == State().line("en") == ""


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("state", [FULL, State(), State(people=("甲",)), State(before="有事。")])
def test_a_block_can_be_read_back(state, language):
    assert State.read(state.line(language), language) == state


def test_marks_within_a_heading_or_summary_break_no_block():
    state = State("【上】；\n 下", ("甲",), before="他说：走；他走了】")
    line = state.line("zh")
    assert line.count("】") == line.count("【") == 1 and "\n" not in line
    assert State.read(line, "zh").people == ("甲",)
    assert State.read(line, "zh").line("zh") == line


def test_a_state_names_whom_was_mentioned_last_first():
    names = [f"人{number}" for number in range(10)]
    state = State().followed_by([*names, "人3"], [])
    assert (
        state.people == ("人3", "人9", "人8", "人7", "人6", "人5") and len(state.people) == PEOPLE
    )
    assert latest(iter("abcabc"), 2) == ("a", "b")


def test_a_story_read_in_pieces_leaves_the_same_state():
    source = random.Random(0)
    people = [source.choice("甲乙丙丁戊己庚辛壬癸") for _ in range(60)]
    whole = State().followed_by(people, people)
    for cut in range(60):
        parts = State().followed_by(people[:cut], people[:cut])
        assert parts.followed_by(people[cut:], people[cut:]) == whole


def test_lines_stand_between_instruction_and_passage():
    assert question(told("续写：", "【甲】", ""), "雾来了。") == "续写：\n【甲】\n雾来了。"
    assert told("续写：", "") == "续写：" and told("", "【甲】") == "【甲】"
    for plain in ("续写：", "", "两行\n"):
        row = {"instruction": told(plain, "【甲】"), "state": "【甲】"}
        assert instruction_alone(row) == plain
        assert instruction_alone({"instruction": plain, "state": "【甲】"}) == plain


def test_places_are_what_somebody_goes_to_again_and_again():
    text = (
        "他到潇湘馆来。她在潇湘馆坐着。又往潇湘馆去。他回到房里。来到桃花渡口。" + "走进那屋。" * 9
    )
    assert places_of(text) == ["潇湘馆"]


TEXT = "".join(
    f"第{number:02d}句{name}走来。" for number, name in enumerate("甲乙丙丁戊己庚辛壬癸")
)


def memory(splits: dict[int, str], **more) -> Memory:
    """Five chapters of two sentences, of which each has a person of its own."""
    size = len(TEXT) // 5
    spans = {number: ((number - 1) * size, number * size) for number in range(1, 6)}
    cast = Cast(list("甲乙丙丁戊己庚辛壬癸"), [])
    return Memory(TEXT, spans, splits, dict.fromkeys(spans, ""), cast, "zh", **more)


def test_a_row_is_told_of_nothing_that_stands_behind_its_first_character():
    known = memory(dict.fromkeys(range(1, 6), "train"))
    for place in range(len(TEXT) + 1):
        chapter = min(place * 5 // len(TEXT) + 1, 5)
        people = State.read(known.before(place, chapter, "train"), "zh").people
        assert list(people) == re.findall("[甲乙丙丁戊己庚辛壬癸]", TEXT[:place])[::-1][:PEOPLE]


def test_a_row_is_told_of_no_chapter_that_is_held_out_from_it():
    splits = {1: "train", 2: "test", 3: "val", 4: "train", 5: "train"}
    summaries = {number: f"第{number}章的事。" for number in splits}
    known = memory(splits, summaries=summaries)
    state = {
        split: State.read(known.before(len(TEXT) * 3 // 5, 4, split), "zh")
        for split in ("train", "val", "test")
    }
    assert state["train"] == State(people=("乙", "甲"), before="第1章的事。")
    assert state["val"] == State(people=("己", "戊", "乙", "甲"), before="第3章的事。")
    assert state["test"].people == ("己", "戊", "丁", "丙", "乙", "甲")


@pytest.fixture(scope="module")
def told_rows():
    """The sample novel, half of whose rows are told of its people and places."""
    text = (REPOSITORY / "resources/novels/ban-jin-du.txt").read_text(encoding="utf-8")
    return built(text, rows={"state": {"share": 0.5}})


def test_a_share_of_rows_is_told_and_the_ledger_s_proof_still_holds(told_rows):
    rows = told_rows.rows["train"]
    told_of = [row for row in rows if row["state"]]
    assert 0.3 < len(told_of) / len(rows) < 0.7
    assert "佟大橹" in told_rows.cast.names["people"]
    for row in rows:
        assert row["instruction"] == told("续写以下小说片段：", row["state"])
        assert (
            prose(row) == told_rows.text[slice(*row["span"])]
            or row["span"][0] == row["completion_span"][0]
        )
    assert any("佟大橹" in row["state"] for row in told_of)
    for row in told_rows.rows["test"]:
        assert row["instruction"] == "续写以下小说片段：" and row["state"].startswith("【本章：")


def test_without_a_share_nothing_is_told():
    made = built(novel_text(CHAPTERS))
    assert not any(row["state"] for rows in made.rows.values() for row in rows)
    assert made.cast.names == {"people": [], "places": []}


def test_what_the_window_loses_is_told_as_rows_are():
    remember = remembering(Cast(["花老三", "万掌柜"], ["秤房"]), "zh")
    row = {
        "id": "n", "novel": "n", "instruction": "续写：", "system": "", "history": [], "input": "万掌柜进了秤房。",
        "output": "", "state": State("一", ("焦嫂",)).line("zh"),
    }  # fmt: skip
    story = Story(row, history_turns=0, remember=remember)
    story.add("花老三笑了。", stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    story.add("天黑了。", stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    asks = list(story.asks())
    assert [ask["input"] for ask in asks] == [
        "万掌柜进了秤房。花老三笑了。天黑了。",
        "花老三笑了。天黑了。",
        "天黑了。",
    ]
    assert [ask["instruction"].partition("\n")[2] for ask in asks] == [
        "【本章：一；人物：焦嫂】",
        "【本章：一；人物：万掌柜、焦嫂；地点：秤房】",
        "【本章：一；人物：花老三、万掌柜、焦嫂；地点：秤房】",
    ]


def test_a_row_that_is_told_nothing_is_asked_as_before():
    row = {
        "id": "n",
        "instruction": "续写：",
        "system": "",
        "history": [],
        "input": "一。",
        "state": "",
    }
    assert next(Story(row).asks())["instruction"] == "续写："
    assert (
        next(Story({key: row[key] for key in row if key != "state"}).asks())["instruction"]
        == "续写："
    )


def test_passages_are_measured_with_and_without_what_rows_are_told():
    rows = [
        {
            "novel": "n",
            "chapter": chapter,
            "input": "前文。",
            "output": "下文。" * 10,
            "state": f"【本章：{chapter}】",
        }
        for chapter in (1, 2, 3, 3)
    ]
    readings = state_readings([*rows, {**rows[0], "state": ""}])
    assert [item.context for item in readings[WITHOUT]] == ["前文。"] * 4
    assert readings[WITH][3].context == "【本章：3】\n前文。"
    sides = {"base": {WITHOUT: [90.0] * 4, WITH: [60.0, 61.0, 59.0, 60.0]}}
    found = compare_told(readings, sides)
    assert found["rows"] == 4 and found["characters"] == 120
    assert found["base"]["less"][WITH]["value"] == pytest.approx(-1.0, abs=0.01)
    assert found["base"]["verdict"] == {WITH: "better"}
    assert compare_told(state_readings([{**rows[0], "state": ""}]), sides) is None


def test_an_outline_is_a_line_below_the_state():
    assert outline_line("两人争了起来。", "zh") == "【接下来：两人争了起来。】"
    assert outline_line("They\nquarrel.", "en") == "[Next: They quarrel.]"
    assert outline_line("", "zh") == ""
    row = {
        "instruction": told("续写：", "【甲】", "【乙】"),
        "state": "【甲】",
        "outline": "【乙】",
    }
    assert row["instruction"] == "续写：\n【甲】\n【乙】" and instruction_alone(row) == "续写："


@pytest.mark.parametrize("share, least, most", [(0, 0, 0), (0.3, 50, 150), (1, 300, 300)])
def test_rows_are_drawn_by_their_share_and_held_out_ones_are_all_asked_about(share, least, most):
    ids = [f"n-{number}" for number in range(300)]
    found = [drawn(0, name, "outline", share, "train") for name in ids]
    assert least <= sum(found) <= most
    assert found == [drawn(0, name, "outline", share, "train") for name in ids]
    assert all(drawn(0, name, "outline", share, "test") == (share > 0) for name in ids)


def test_an_outline_reaches_the_row_that_it_is_about_and_no_other():
    plain = built(novel_text(CHAPTERS))
    first, second = plain.rows["train"][:2]
    made = novel(novel_text(CHAPTERS))
    made.outlines = {first["id"]: "两人争了起来。", plain.rows["test"][0]["id"]: "灯灭了。"}
    build(
        [made], settings(), dataset="n", generator="reader", language="zh",
        completion_chars=250, prompt_chars=400,
    )  # fmt: skip
    rows = made.rows["train"]
    assert rows[0] == {
        **first,
        "instruction": f"{first['instruction']}\n【接下来：两人争了起来。】",
        "outline": "【接下来：两人争了起来。】",
    }
    assert rows[1] == second and not any(row["outline"] for row in rows[1:])
    test = made.rows["test"][0]
    assert test == {**plain.rows["test"][0], "outline": "【接下来：灯灭了。】"}


def test_a_sentence_may_neither_copy_its_passage_nor_break_its_line():
    passage = "花老三把坛子搬到秤房，万掌柜看了一眼，没有说话。"
    check(Sketch(sentence="花老三搬坛子，万掌柜不作声。"), passage)
    with pytest.raises(ValueError, match="^copied: 10 characters"):
        check(Sketch(sentence="他说花老三把坛子搬到秤房，就走。"), passage)
    for strange in ("【接下来】他走了。", "他走了。\n她来了。", "他走了<|im_end|>。"):
        with pytest.raises(ValueError, match="^strange marks"):
            check(Sketch(sentence=strange), passage)
    for recited in ("用自己的话，不抄原文，不评论，走了。", "他走了 stands in the passage"):
        with pytest.raises(ValueError, match="^(copied|foreign words)"):
            check(Sketch(sentence=recited), passage, "十五到五十字，用自己的话，不抄原文，不评论")
    with pytest.raises(ValueError, match="^empty"):
        check(Sketch(sentence="他        "), passage)
    with pytest.raises(ValueError):
        Sketch(sentence="长" * 61)
    assert EnglishSketch(sentence="long " * 30)


def test_an_answer_or_its_failure_is_a_row():
    passages = [{"id": "a", "text": "甲"}, {"id": "b", "text": "乙"}]
    usage = Usage()
    outcomes = [
        Answered("a", Sketch(sentence="两人 争了起来。"), usage, False),
        Failed("b", "copied", "甲乙丙", "{}", usage, False),
    ]
    assert list(sketches(passages, outcomes)) == [
        {"id": "a", "sentence": "两人 争了起来。"},
        {"id": "b", "failed": "copied", "detail": "甲乙丙", "raw": "{}"},
    ]


def test_the_question_holds_the_passage_and_what_is_asked(tmp_path):
    folder = REPOSITORY / "resources/prompts"
    for language, schema in (("zh", Sketch), ("en", EnglishSketch)):
        files = [folder / language / f"{name}.txt" for name in OF_SKETCH]
        (asked,) = questions(
            [{"id": "a", "text": "  一段$话。 "}], files, language=language, sampling={"seed": 1}
        )
        assert "\n一段$话。\n" in asked.messages[1]["content"] and asked.schema is schema
        assert asked.sampling["seed"] == 1 and asked.sampling["max_tokens"] > 100


def test_a_story_goes_on_from_outline_to_outline():
    row = {
        "id": "n", "instruction": "续写：", "system": "", "history": [], "input": "一。", "state": "",
        "outlines": ["【接下来：甲。】", "【接下来：乙。】"],
    }  # fmt: skip
    story = Story(row, history_turns=1)
    seen = []
    while story.continues(0):
        ask = next(story.asks())
        seen.append(ask["instruction"])
        # What was told before is no part of the earlier turns, as in no row.
        assert all("接下来" not in asked for asked, _ in ask["history"])
        story.add(f"写{len(seen)}。", stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    assert seen == ["续写：\n【接下来：甲。】", "续写：\n【接下来：乙。】"]
    assert next(story.asks())["instruction"] == "续写："


def held_out(name: str, start: int, outline: str) -> dict:
    return {"id": name, "novel": "n", "completion_span": [start, start + 100], "outline": outline}


def asked(outlines: str | None, target_chars: int = 0) -> dict:
    return {"outlines": outlines, "target_chars": target_chars}


def test_outlines_come_from_the_passage_or_from_a_file(tmp_path):
    rows = [held_out("a", 0, "【接下来：甲。】"), held_out("b", 100, "")]
    assert with_outlines(rows, rows, asked(None), "zh") == rows
    found = with_outlines(rows, rows, asked("passage"), "zh")
    assert [row["outlines"] for row in found] == [["【接下来：甲。】"], []]
    lines = tmp_path / "lines.txt"
    lines.write_text("\ufeff他走了。\n\n 她来了。\n", encoding="utf-8")
    both = ["【接下来：他走了。】", "【接下来：她来了。】"]
    found = with_outlines(rows, rows, asked(str(lines)), "zh")
    assert [row["outlines"] for row in found] == [both, both]
    by_row = tmp_path / "rows.yaml"
    by_row.write_text("b: [他走了。, 她来了。]\na: 灯灭了。\n", encoding="utf-8")
    found = with_outlines(rows, rows, asked(str(by_row)), "zh")
    assert [row["outlines"] for row in found] == [["【接下来：灯灭了。】"], both]


@pytest.mark.parametrize("target, expected", [(0, "a"), (100, "a"), (101, "ab"), (900, "abc")])
def test_a_long_continuation_is_told_of_the_passages_that_follow_without_a_gap(target, expected):
    rows = [
        held_out(name, start, name)
        for name, start in (("a", 0), ("b", 100), ("c", 200), ("d", 400))
    ]
    (found,) = with_outlines(rows[:1], rows, asked("passage", target), "zh")
    assert "".join(found["outlines"]) == expected


@pytest.mark.parametrize(
    "name, text", [("a.txt", "\n"), ("a.yaml", "c: 他走了。"), ("a.yaml", "- 他")]
)
def test_a_file_without_an_outline_for_any_prompt_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="outline"):
        with_outlines([held_out("a", 0, "")], [], asked(str(tmp_path / name)), "zh")


def test_each_passage_is_also_read_after_another_chapter_s_outline():
    rows = [
        {
            "novel": "n",
            "chapter": chapter,
            "input": "前文。",
            "output": "下文。",
            "outline": f"【{chapter}{part}】",
        }
        for chapter in (1, 2, 3)
        for part in "ab"
    ]
    readings = outline_readings(rows)
    assert [item.context for item in readings[WITH]][:2] == ["【1a】\n前文。", "【1b】\n前文。"]
    for row, item in zip(rows, readings[FOREIGN], strict=True):
        assert item.context[1] != str(row["chapter"]) and item.chapter == ("n", row["chapter"])
    assert FOREIGN not in outline_readings(rows[:2])


def test_the_chat_tells_what_is_planned_for_one_passage():
    session = Session("续写：", None, history_turns=0, language="zh")
    session.plan("他走了。")
    session.give("雾来了。")
    assert next(session.story().asks())["instruction"] == "续写：\n【接下来：他走了。】"
    session.take("写1。")
    session.retry()
    assert next(session.story().asks())["instruction"] == "续写：\n【接下来：他走了。】"
    session.take("写1。")
    session.give("")
    assert next(session.story().asks())["instruction"] == "续写："


def test_what_happens_is_asked_of_an_llm_or_not_at_all():
    for rows in ({"outlines": {"share": 0.5}}, {"state": {"share": 1, "summary": True}}):
        config = {
            "novels": {"n": {"path": "n.txt"}},
            "pairs": {"generator": None},
            "datasets": {"n": {"novels": ["n"], "rows": rows}},
        }
        with pytest.raises(UserError, match="no LLM is asked"):
            complete_config(config, REPOSITORY / "config/schema.yaml")


def test_the_chapters_and_completions_to_ask_about_are_those_of_the_rows():
    made = built(novel_text(CHAPTERS))
    wanted = settings(rows={"state": {"share": 0.5, "summary": True}, "outlines": {"share": 0.4}})
    found = list(passages([made], wanted))
    outlines = [row for row in found if row["kind"] == OUTLINE]
    texts = {row["id"]: row["output"] for rows in made.rows.values() for row in rows}
    assert all(texts[row["id"]] == row["text"] for row in outlines)
    assert {row["id"] for row in made.rows["test"]} <= {row["id"] for row in outlines}
    chapters = [row["chapter"] for row in found if row["kind"] == SUMMARY]
    assert chapters == list(range(1, CHAPTERS + 1))
    told_of = novel(novel_text(CHAPTERS))
    answers = {row["id"]: {"id": row["id"], "sentence": "他走了。"} for row in found}
    answers[outlines[0]["id"]] = {"id": outlines[0]["id"], "failed": "copied"}
    tell([told_of], found, answers, {OUTLINE: {"told": True}, SUMMARY: {"told": False}})
    assert len(told_of.outlines) == len(outlines) - 1 and not told_of.summaries
