"""The questions of both roles: what the LLM is shown and what not, nothing that depends on shards, answers taken apart and refused."""

import json
import os
import re

import pytest
from workspace import REPOSITORY
from xuxie.llm import Answered, Failed, Usage
from xuxie.llm.structured import read_answer
from xuxie.pairs import generation, modes, rubric, writing
from xuxie.pairs.negatives import NegativeCompletions
from xuxie.pairs.planning import plan_chunk
from xuxie.pairs.shards import shard_of
from xuxie.pairs.spans import LengthClass
from xuxie.pairs.templates import OF_GENERATOR, OF_JUDGE, Templates

LENGTH = LengthClass("short", 1, (20, 60), (20, 60))


def chunk(number: int, chapter: int) -> dict:
    text = "".join(f"{number:02}号船在第{line}个渡口等了很久，没有人来。" for line in range(1, 9))
    return {
        "id": f"n-c{number:04}",
        "novel": "n",
        "chapter": chapter,
        "start": 1000 * number,
        "end": 1000 * number + len(text),
        "text": text,
    }


@pytest.fixture(scope="module", params=["zh", "en"])
def language(request):
    return request.param


def files(language: str, names: tuple[str, ...]) -> list[str]:
    return [REPOSITORY / "resources/prompts" / language / f"{name}.txt" for name in names]


CHUNKS = [chunk(number, chapter=(number + 2) // 3) for number in range(1, 13)]


def plan(of: dict, per_chunk: int = 2, settle: bool = False):
    return plan_chunk(of, [LENGTH], per_chunk=per_chunk, seed=0, settle=settle)


def proposed(chunks: list[dict]) -> list[dict]:
    """Pairs of chunks as the generator proposes them, by the first choice that each slot offers."""
    plans = [plan(of) for of in chunks]
    outcomes = []
    for of in plans:
        asked = generation.question(
            of,
            Templates.read(files("zh", OF_GENERATOR["span"])),
            "span",
            bounded=False,
            sampling={},
        )
        chosen = {
            f"pair_{number}": {"why": "", "prompt_first": cuts[0].prompt_firsts[0], "completion_first": cuts[0].completion_first,
                               "completion_last": cuts[0].completion_lasts[0]}
            for number, (_, cuts) in enumerate(of.slots, 1)
        }  # fmt: skip
        outcomes.append(Answered(asked.id, asked.schema.model_validate(chosen), Usage(), False))
    return list(generation.candidates(plans, outcomes))


def judged(
    pairs: list[dict],
    chunks: list[dict],
    language="zh",
    calibration: float = 1.0,
):
    return rubric.questions(
        pairs, chunks, files(language, OF_JUDGE), calibration=calibration, seed=0, sampling={}
    )


@pytest.mark.parametrize("mode", ["cut", "span", "write"])
def test_what_all_chunks_are_asked_alike_comes_before_the_chunk(language, mode):
    first, second = modes.questions(
        [plan(of, settle=mode == "cut") for of in CHUNKS[:2]],
        files(language, OF_GENERATOR[mode]),
        mode,
        bounded=True,
        sampling={},
    )
    assert first.messages[0] == second.messages[0]
    ours, theirs = (asked.messages[1]["content"] for asked in (first, second))
    shared = len(os.path.commonprefix([ours, theirs]))
    assert shared >= ours.index("[1] ") > 100
    assert all(sentence in ours[shared - 4 :] for sentence in CHUNKS[0]["text"].split("。")[1:-1])


def test_a_cut_is_asked_for_and_answered_without_a_reason(language):
    of = plan(CHUNKS[0], settle=True)
    (asked,) = modes.questions(
        [of], files(language, OF_GENERATOR["cut"]), "cut", bounded=False, sampling={}
    )
    assert "why" not in json.dumps(asked.schema.model_json_schema())
    value = asked.schema(
        **{
            f"pair_{place}": options[-1].completion_first
            for place, (_, options) in enumerate(of.slots, 1)
        }
    )
    rows = list(modes.candidates([of], [Answered(asked.id, value, Usage(), False)], None))
    for row, (_, options) in zip(rows, of.slots, strict=True):
        assert row["why"] is None
        assert row["completion"].startswith(f"01号船在第{options[-1].completion_first}个渡口")
        assert CHUNKS[0]["text"].find(row["prompt"] + row["completion"]) >= 0


def test_the_judge_sees_nothing_of_the_novel_but_the_pair(language):
    pairs = proposed(CHUNKS)
    (asked, *_) = judged(pairs[:1], CHUNKS, language, calibration=0)
    shown = asked.messages[1]["content"]
    for sentence in re.split(r"(?<=。)", CHUNKS[0]["text"])[:-1]:
        assert (sentence in shown) == (sentence in pairs[0]["prompt"] + pairs[0]["completion"])
    assert shown.count(pairs[0]["prompt"]) == shown.count(pairs[0]["completion"]) == 1
    assert pairs[0]["prompt"] + pairs[0]["completion"] not in shown


def test_a_negative_is_a_question_like_any_other(language):
    pairs = proposed(CHUNKS)
    asked = judged(pairs, CHUNKS, language)
    assert [question.id for question in asked] == [
        f"{pair['id']}{ending}" for pair in pairs for ending in ("", rubric.NEGATIVE)
    ]
    true, negative = (question.messages[1]["content"] for question in asked[:2])
    completion = pairs[0]["completion"]
    assert completion in true and completion not in negative
    before, after = true.split(completion)
    assert negative.startswith(before) and negative.endswith(after)
    drawn = {question.id for question in judged(pairs, CHUNKS, language, calibration=0.5)}
    assert {pair["id"] for pair in pairs} < drawn < {question.id for question in asked}


@pytest.mark.parametrize("shards", [2, 5])
def test_the_number_of_shards_changes_no_question(shards):
    whole = {question.id: question.messages for question in judged(proposed(CHUNKS), CHUNKS)}
    for number in range(1, shards + 1):
        own = shard_of(CHUNKS, f"{number}-of-{shards}")
        for question in judged(proposed(own), CHUNKS):
            assert question.messages == whole[question.id]


def test_an_edited_chunk_changes_its_own_questions_and_its_chapters_negatives():
    pairs = proposed(CHUNKS)
    before = {question.id: question.messages for question in judged(pairs, CHUNKS)}
    edited = [*CHUNKS[:-1], chunk(99, chapter=4) | {"id": CHUNKS[-1]["id"]}]
    after = {
        question.id: question.messages
        for question in judged([*pairs[:-2], *proposed(edited[-1:])], edited)
    }
    changed = {name for name in before if before[name] != after[name]}
    chapter = [pair["id"] for pair in pairs if pair["chapter"] == 4]
    own = [pair["id"] for pair in pairs[-2:]]
    assert set(own) <= changed <= {*own, *(name + rubric.NEGATIVE for name in chapter)}


def test_negatives_are_other_sentences_of_the_same_chapter_about_as_long():
    negatives = NegativeCompletions(CHUNKS, seed=0)
    lenders = set()
    for pair in proposed(CHUNKS):
        passage = negatives.completion_for(pair)
        (lender,) = [of for of in CHUNKS if passage in of["text"]]
        assert lender["chapter"] == pair["chapter"]
        assert passage.endswith("。") and abs(len(passage) - len(pair["completion"])) <= 12
        assert not any(
            sentence in pair["prompt"] + pair["completion"]
            for sentence in re.split(r"(?<=。)", passage)[:-1]
        )
        lenders.add(lender["id"])
    assert len(lenders) > 8


def test_a_chapter_without_room_lends_nothing():
    pair = proposed(CHUNKS[:1])[0]
    (start, _), (_, end) = pair["prompt_span"], pair["completion_span"]
    alone = {**CHUNKS[0], "text": pair["prompt"] + pair["completion"], "start": start, "end": end}
    assert NegativeCompletions([alone, *CHUNKS[3:]], seed=0).completion_for(pair) is None


def test_a_pair_is_worth_its_weakest_mark_and_negatives_stay_apart():
    pairs = proposed(CHUNKS[:1])
    high, low, flawed = (
        rubric.Marks(reason="接", **{**dict.fromkeys(rubric.CRITERIA, mark), **other})
        for mark, other in ((9, {}), (4, {"follows": 1}), (9, {"complete": 0}))
    )
    given = [(pairs[0], high), (pairs[1], flawed)]
    outcomes = [Answered(pair["id"], marks, Usage(), False) for pair, marks in given]
    outcomes.insert(1, Answered(pairs[0]["id"] + rubric.NEGATIVE, low, Usage(), False))
    first, second = rubric.scores(pairs, outcomes)
    assert (first["value"], first["swapped"], first["swapped_marks"][0]["clean"]) == (9, [1], 4)
    assert (second["value"], second["swapped"], second["marks"]["clean"]) == (0, [], 9)
    failed = [Failed(pair["id"], "refused", "no", None, Usage(), False) for pair in pairs]
    assert all(
        row["value"] is None and row["failed"] == "refused: no" and row["swapped"] == []
        for row in rubric.scores(pairs, failed)
    )


def test_written_pairs_keep_their_share_of_the_novel(language):
    of = plan(CHUNKS[0], per_chunk=1)
    asked = writing.question(
        of, Templates.read(files(language, OF_GENERATOR["write"])), sampling={}
    )
    prompt = CHUNKS[0]["text"][:40]
    half = CHUNKS[0]["text"][40:60] + "他们说起了另一件没有人知道的往事啊。"[:20]
    value = asked.schema.model_validate({"pair_1": {"prompt": prompt, "completion": half}})
    asked.check(value)
    (row,) = writing.candidates(
        [of], [Answered(asked.id, value, Usage(), False)], "".join(each["text"] for each in CHUNKS)
    )
    assert row["verbatim"] == pytest.approx(20 / len(half), abs=1e-4)
    assert row["prompt_span"] == [1000, 1040]
    assert row["completion_span"] == [CHUNKS[0]["start"], CHUNKS[0]["end"]]


def test_a_written_pair_far_from_the_length_asked_for_is_a_named_failure(language):
    asked = writing.question(
        plan(CHUNKS[0], per_chunk=1),
        Templates.read(files(language, OF_GENERATOR["write"])),
        sampling={},
    )
    value = asked.schema.model_validate(
        {"pair_1": {"prompt": "他等了很久。" * 5, "completion": "短"}}
    )
    with pytest.raises(ValueError, match="^wrong length: pair_1: the completion has 1 characters"):
        asked.check(value)


def test_a_written_question_leaves_room_for_what_it_asks(language):
    asked = writing.question(
        plan(CHUNKS[0]),
        Templates.read(files(language, OF_GENERATOR["write"])),
        sampling={"temperature": 0.3},
    )
    assert asked.sampling == {"max_tokens": 2 * 240 + 200, "temperature": 0.3}


def test_verbatim_is_what_stands_in_the_novel_white_space_aside():
    novel = "一二三四五六七八九十甲乙丙丁"
    shares = writing.verbatim_shares(
        [
            "一二三四五\n六七八九十",
            "一二三四五",
            "子丑寅卯辰巳午未申酉",
            "二三四五六七八九十甲子丑寅卯辰",
            "",
        ],
        novel,
    )
    assert shares == pytest.approx([1, 0, 0, 10 / 15, 0])


def test_a_pair_that_stays_unusable_is_lost_alone_and_by_name():
    of = plan(CHUNKS[0], per_chunk=2)
    templates = Templates.read(files("zh", OF_GENERATOR["span"]))
    asked = generation.question(of, templates, "span", bounded=False, sampling={})
    assert asked.in_parts and len(of.slots) == 2
    cut = of.slots[0][1][0]
    numbers = {
        "prompt_first": cut.prompt_firsts[0],
        "completion_first": cut.completion_first,
        "completion_last": cut.completion_lasts[0],
    }
    good, wild = {"why": "", **numbers}, {"why": "", **numbers, "completion_first": 999}
    reply = {"content": json.dumps({"pair_1": good, "pair_2": wild}), "finish": "stop"}
    reading = read_answer(reply, asked.schema, asked.check, in_parts=True)
    assert list(reading.parts) == ["pair_1"]
    assert reading.faults["pair_2"].startswith("spans out of range: pair_2: completion_first 999")
    value = asked.schema.model_construct(**reading.parts, pair_2=None)
    outcome = Answered(asked.id, value, Usage(), False, reading.faults)
    lost, kept = generation.candidates([of], [outcome])
    assert (lost["failed"], lost["pairs"]) == ("spans out of range", 1)
    assert kept["id"].endswith("-p1") and kept["prompt"] + kept["completion"] in of.chunk["text"]
