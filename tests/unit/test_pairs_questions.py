"""The questions of both roles: the chunk first and the same for both, nothing that hangs on shards, answers taken apart and refused."""

import re

import pytest
from workspace import REPOSITORY
from xuxie.llm import Answered, Failed, Usage
from xuxie.pairs import generation, rubric, writing
from xuxie.pairs.generation import Wording
from xuxie.pairs.negatives import ForeignPassages
from xuxie.pairs.planning import plan_chunk
from xuxie.pairs.shards import shard_of
from xuxie.pairs.spans import LengthClass

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
def folder(request):
    return REPOSITORY / "resources/prompts" / request.param


CHUNKS = [chunk(number, chapter=(number + 1) // 2) for number in range(1, 13)]


def plan(of: dict, per_chunk: int = 2):
    return plan_chunk(of, [LENGTH], per_chunk=per_chunk, seed=0)


def proposed(chunks: list[dict]) -> list[dict]:
    """Pairs of chunks as the generator proposes them, by the first choice that each slot offers."""
    plans = [plan(of) for of in chunks]
    outcomes = []
    for of in plans:
        asked = generation.question(
            of,
            Wording.read(REPOSITORY / "resources/prompts/zh", "span"),
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
    folder=REPOSITORY / "resources/prompts/zh",
    calibration: float = 1.0,
):
    return rubric.questions(pairs, chunks, folder, calibration=calibration, seed=0, sampling={})


@pytest.mark.parametrize("mode", ["span", "write"])
def test_generator_and_judge_begin_with_the_same_characters_up_to_the_end_of_the_chunk(
    folder, mode
):
    of = plan(CHUNKS[0])
    words = Wording.read(folder, mode)
    asked = (
        generation.question(of, words, bounded=True, sampling={})
        if mode == "span"
        else writing.question(of, words, sampling={})
    )
    (marked,), _ = judged(proposed(CHUNKS[:1]), CHUNKS, folder)
    assert asked.messages[0] == marked.messages[0]
    ours, theirs = asked.messages[1]["content"], marked.messages[1]["content"]
    shared = next(place for place, (one, other) in enumerate(zip(ours, theirs)) if one != other)
    beginning = ours[:shared]
    assert all(sentence in beginning for sentence in re.split(r"(?<=。)", CHUNKS[0]["text"]))


def test_all_pairs_of_a_chunk_are_one_question_in_an_order_of_the_seed():
    pairs = proposed(CHUNKS)
    asked, entries = judged(pairs, CHUNKS)
    assert [question.id for question in asked] == [of["id"] for of in CHUNKS]
    assert len(entries) == len(CHUNKS) and all(
        sorted(swapped for _, swapped in items) == [False, False, True, True] for items in entries
    )
    assert len({tuple(swapped for _, swapped in items) for items in entries}) > 1
    again, _ = judged(pairs, CHUNKS)
    assert [question.messages for question in again] == [question.messages for question in asked]


@pytest.mark.parametrize("shards", [2, 5])
def test_the_number_of_shards_changes_no_question(shards):
    whole = {question.id: question.messages for question in judged(proposed(CHUNKS), CHUNKS)[0]}
    for number in range(1, shards + 1):
        own = shard_of(CHUNKS, f"{number}-of-{shards}")
        for question in judged(proposed(own), CHUNKS)[0]:
            assert question.messages == whole[question.id]


def test_an_edited_chunk_changes_its_own_question_and_those_that_it_lends_a_passage_to():
    pairs = proposed(CHUNKS)
    before = {question.id: question.messages for question in judged(pairs, CHUNKS)[0]}
    edited = [*CHUNKS[:-1], chunk(99, chapter=6) | {"id": CHUNKS[-1]["id"]}]
    after = {
        question.id: question.messages
        for question in judged([*pairs[:-2], *proposed(edited[-1:])], edited)[0]
    }
    changed = {name for name in before if before[name] != after[name]}
    lent_to = {name for name in before if "12号船" in before[name][1]["content"]} | {
        name for name in after if "99号船" in after[name][1]["content"]
    }
    assert CHUNKS[-1]["id"] in changed and changed <= lent_to
    assert len(changed) < len(before) / 2


def test_foreign_passages_are_whole_sentences_of_other_chapters_about_as_long():
    elsewhere = ForeignPassages(CHUNKS, seed=0)
    lenders = set()
    for pair in proposed(CHUNKS):
        passage = elsewhere.passage_for(pair)
        (lender,) = [of for of in CHUNKS if passage in of["text"]]
        assert lender["chapter"] != pair["chapter"]
        assert passage.endswith("。") and abs(len(passage) - len(pair["completion"])) <= 12
        lenders.add(lender["id"])
    assert len(lenders) > 4
    assert ForeignPassages(CHUNKS[:2], seed=0).passage_for(proposed(CHUNKS[:1])[0]) is None


def test_marks_become_a_mean_and_swapped_ones_stay_apart():
    (asked,), (items,) = judged(proposed(CHUNKS[:1]), CHUNKS)
    high, low = [{"reason": "接", **dict.fromkeys(rubric.CRITERIA, mark)} for mark in (9, 1)]
    value = asked.schema.model_validate(
        {f"pair_{place}": low if swapped else high for place, (_, swapped) in enumerate(items, 1)}
    )
    rows = list(rubric.scores([items], [Answered(asked.id, value, Usage(), False)]))
    assert [(row["value"], row["swapped"]) for row in rows] == [(9, [1]), (9, [1])]
    failed = Failed(asked.id, "refused", "no", None, Usage(), False)
    unscored = list(rubric.scores([items], [failed]))
    assert [(row["value"], row["failed"]) for row in unscored] == [(None, "refused: no")] * 2


def test_written_pairs_keep_their_share_of_the_novel(folder):
    of = plan(CHUNKS[0], per_chunk=1)
    asked = writing.question(of, Wording.read(folder, "write"), sampling={})
    prompt = CHUNKS[0]["text"][:40]
    half = CHUNKS[0]["text"][40:60] + "他们说起了另一件没有人知道的往事啊。"[:20]
    value = asked.schema.model_validate(
        {"pair_1": {"why": "", "prompt": prompt, "completion": half}}
    )
    asked.check(value)
    (row,) = writing.candidates(
        [of], [Answered(asked.id, value, Usage(), False)], "".join(each["text"] for each in CHUNKS)
    )
    assert row["verbatim"] == pytest.approx(20 / len(half), abs=1e-4)
    assert row["prompt_span"] == [1000, 1040]
    assert row["completion_span"] == [CHUNKS[0]["start"], CHUNKS[0]["end"]]


def test_a_written_pair_far_from_the_length_asked_for_is_a_named_failure(folder):
    asked = writing.question(
        plan(CHUNKS[0], per_chunk=1), Wording.read(folder, "write"), sampling={}
    )
    value = asked.schema.model_validate(
        {"pair_1": {"why": "", "prompt": "他等了很久。" * 5, "completion": "短"}}
    )
    with pytest.raises(ValueError, match="^wrong length: pair_1: the completion has 1 characters"):
        asked.check(value)


def test_a_written_question_leaves_room_for_what_it_asks(folder):
    asked = writing.question(
        plan(CHUNKS[0]), Wording.read(folder, "write"), sampling={"temperature": 0.3}
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
