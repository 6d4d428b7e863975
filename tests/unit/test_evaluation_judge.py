"""Judged pairs, with judges whose ways are plain: one that knows the author, one that takes the first, one that likes it long."""

import random
from pathlib import Path

import pytest
from xuxie.evaluation.preference import Preference, comparisons, questions, verdicts
from xuxie.evaluation.win_rates import win_rates
from xuxie.llm import Answered, Failed, Usage

TEMPLATE = Path(__file__).parents[2] / "resources" / "judging" / "zh.txt"
SAMPLES = [
    {
        "id": f"s{number}", "novel": "n", "chapter": number, "prompt": {"input": "雾来了。"}, "reference": f"真{number}" * 4,
        "outputs": {"base": {"text": "坏" * 6}, "tuned": {"text": "好" * 12}},
    }
    for number in range(8)
]  # fmt: skip


def shown(question):
    """The two texts of a question, as the judge sees them."""
    content = question.messages[0]["content"]
    return [content.split(f"<续写{side}>\n")[1].split("\n</")[0] for side in "AB"]


def judge(opinion, samples=SAMPLES, prompts=8):
    """Outcome rows and their summary for a judge that is a function of the two texts."""
    asked = comparisons(samples, prompts=prompts, seed=0)
    outcomes = [
        Answered(
            question.id, Preference(reason="r", better=opinion(*shown(question))), Usage(), False
        )
        for question in questions(asked, TEMPLATE, seed=0)
    ]
    rows = list(verdicts(asked, outcomes))
    return (
        rows,
        {tuple(pairing["systems"]): pairing for pairing in win_rates(rows)["pairings"]},
        win_rates(rows)["trusted"],
    )


def rank(text):
    return "好真坏".index(text[0])


def by_rank(a, b):
    return "tie" if rank(a) == rank(b) else "A" if rank(a) < rank(b) else "B"


def test_a_judge_with_an_opinion_is_heard_whatever_the_order():
    rows, pairings, _ = judge(by_rank)
    assert set(pairings) == {
        ("tuned", "base"),
        ("base", "human"),
        ("tuned", "human"),
        ("human", "negative"),
    }
    best = pairings["tuned", "base"]
    assert (
        best["wins"],
        best["losses"],
        best["ties"],
        best["flips"],
        best["win_rate"]["value"],
    ) == (8, 0, 0, 0, 1)
    assert pairings["base", "human"]["win_rate"]["value"] == 0
    assert rows[0]["reasons"] == ["r", "r"]


def test_a_judge_that_always_takes_the_first_decides_nothing():
    _, pairings, trusted = judge(lambda a, b: "A")
    for pairing in pairings.values():
        assert (pairing["wins"], pairing["losses"], pairing["ties"], pairing["flips"]) == (
            0,
            0,
            8,
            1,
        )
        assert pairing["win_rate"]["value"] == 0.5
    assert not trusted


def test_length_cannot_win():
    _, pairings, _ = judge(
        lambda a, b: "tie" if len(a) == len(b) else "A" if len(a) > len(b) else "B"
    )
    assert pairings and all(
        pairing["ties"] == 8 and pairing["flips"] == 0 for pairing in pairings.values()
    )


def test_a_text_is_cut_at_the_end_of_a_sentence():
    sample = SAMPLES[0] | {
        "reference": "他来了。她走了。天亮了。",
        "outputs": {"base": {"text": "雨停了。风还在刮，一"}, "tuned": {"text": "雪"}},
    }
    asked = comparisons([sample], prompts=1, seed=0)
    texts = {
        c.systems: shown(q)
        for c, q in zip(asked, questions(asked, TEMPLATE, seed=0)[::2], strict=True)
    }
    assert texts["base", "human"] == ["雨停了。", "他来了。"]
    # Where not even a sentence fits, characters count.
    assert texts["tuned", "human"] == ["雪", "他"]


def sentences(draw, count):
    return "".join("雨" * draw.randint(3, 12) + "。" for _ in range(count))


def test_who_stopped_early_is_not_the_longer_one_for_it():
    draw = random.Random(1)
    rows = [
        {**SAMPLES[0], "id": f"s{number}", "reference": sentences(draw, 5), "outputs": {"base": {"text": sentences(draw, 9)}}}
        for number in range(200)
    ]  # fmt: skip
    asked = comparisons(rows, prompts=200, seed=0)
    ahead = []
    for question in questions(
        [c for c in asked if c.systems == ("base", "human")], TEMPLATE, seed=0
    )[::2]:
        base, human = shown(question)
        assert base.endswith("。") and human.endswith("。") and abs(len(base) - len(human)) <= 6
        ahead.append((len(human) > len(base)) - (len(human) < len(base)))
    assert abs(sum(ahead)) < 40


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("chapters", [3, 4, 5, 6, 8, 12])
@pytest.mark.parametrize("prompts", [1, 2, 4])
def test_a_coin_is_not_trusted(chapters, prompts, both_ways):
    """Whether it sticks to what it said when the texts change places or not."""
    draw = random.Random(chapters * 10 + prompts)
    trusted = 0
    for _ in range(150):
        rows = []
        for number in range(chapters * prompts):
            first, second = (draw.choice(["human", "negative"]) for _ in range(2))
            rows.append(
                {"novel": "n", "chapter": number % chapters, "systems": ["human", "negative"], "preferred": [first, first if both_ways else second]}
            )  # fmt: skip
        trusted += win_rates(rows)["trusted"]
    assert trusted / 150 <= 0.06


def test_a_judge_that_knows_the_author_is_trusted():
    followed = {sample["reference"] for sample in SAMPLES}
    asked = comparisons(SAMPLES, prompts=8, seed=0)
    negatives = [c for c in asked if c.systems == ("human", "negative")]
    assert negatives
    assert all(c.texts[1] != c.sample["reference"] and c.texts[1] in followed for c in negatives)
    outcomes = []
    for comparison in asked:
        for reversed_order in (False, True):
            better = "AB"[reversed_order] if comparison.systems[0] == "human" else "tie"
            outcomes.append(Answered("", Preference(reason="", better=better), Usage(), False))
    assert win_rates(list(verdicts(asked, outcomes)))["trusted"]


LONG = [
    {**sample, "reference": f"第{number}天雨停了。他们收起伞，往渡口走去。船上坐着一个老人。老人问他们从哪里来。谁也没有回答。"}
    for number, sample in enumerate(SAMPLES)
]  # fmt: skip


def trial(opinion):
    """Pairings and trust for a judge that is a function of sample and text."""
    asked = comparisons(LONG, prompts=8, seed=0)
    outcomes = []
    for comparison in asked:
        first, second = (opinion(comparison.sample, text) for text in comparison.texts)
        for order in ("AB", "BA"):
            better = "tie" if first == second else order[second > first]
            outcomes.append(Answered("", Preference(reason="", better=better), Usage(), False))
    found = win_rates(list(verdicts(asked, outcomes)))
    return {tuple(pairing["systems"]): pairing for pairing in found["pairings"]}, found["trusted"]


def test_a_judge_is_also_tried_on_the_author_corrupted():
    # It sees what chapter a text is from, and not whether it makes sense.
    pairings, trusted = trial(lambda sample, text: sample["reference"][:3] in text)
    assert pairings["human", "negative"]["win_rate"]["value"] == 1
    assert pairings["human", "corrupted"]["win_rate"]["value"] < 0.7 and not trusted
    # It sees both.
    pairings, trusted = trial(lambda sample, text: text == sample["reference"])
    assert pairings["human", "corrupted"]["wins"] == 8 and trusted


def test_corrupted_texts_are_of_the_author_and_no_longer():
    for comparison in comparisons(LONG, prompts=8, seed=0):
        if comparison.systems == ("human", "corrupted"):
            true, spoilt = comparison.texts
            assert true == comparison.sample["reference"] != spoilt and len(spoilt) <= len(true)


def test_what_cannot_be_judged_is_counted():
    silent = [{**SAMPLES[0], "outputs": {"base": {"text": " "}, "tuned": {"text": "好"}}}]
    asked = comparisons(silent, prompts=8, seed=0)
    assert [comparison.systems for comparison in asked] == [
        ("tuned", "base"),
        ("base", "human"),
        ("tuned", "human"),
    ]
    found = questions(asked, TEMPLATE, seed=0)
    assert len(found) == 2
    rows = list(verdicts(asked, [Failed("", "refused", "no", None, Usage(), False)] * 2))
    assert [row["unjudged"] for row in rows] == ["an empty text", "an empty text", "refused: no"]
    pairing = win_rates(rows)["pairings"][0]
    assert (pairing["unjudged"], pairing["flips"], pairing["win_rate"]["value"]) == (1, None, None)


def test_prompts_are_limited_and_markers_stay_text():
    assert {comparison.sample["id"] for comparison in comparisons(SAMPLES, prompts=2, seed=0)} == {
        "s0",
        "s4",
    }
    sample = {**SAMPLES[0], "prompt": {"input": "$a ${b} 价格 $100"}}
    (first, *_) = questions(comparisons([sample], prompts=1, seed=0), TEMPLATE, seed=0)
    assert "$a ${b} 价格 $100" in first.messages[0]["content"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_templates_name_every_part(language):
    text = TEMPLATE.with_name(f"{language}.txt").read_text(encoding="utf-8")
    assert all(text.count(f"${part}\n") == 1 for part in ("prompt", "a", "b"))
