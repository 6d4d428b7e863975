"""What is reported of the roles: how well scorers tell true pairs from negatives, how far they agree, and what the answers took."""

from dataclasses import replace

import pytest
from workspace import REPOSITORY
from xuxie.llm import Answered, Failed, Usage
from xuxie.llm.usage import Price
from xuxie.pairs.account import Counter, add_up
from xuxie.pairs.agreement import agreement
from xuxie.pairs.calibration import auc, percentile_score
from xuxie.pairs.estimate import CACHE_BLOCK, Role, about, of_generator, of_judge
from xuxie.pairs.modes import questions
from xuxie.pairs.planning import plan_chunk
from xuxie.pairs.spans import LengthClass, settled
from xuxie.pairs.templates import OF_GENERATOR, OF_JUDGE
from xuxie.pairs.verdicts import Verdicts


def templates(names: tuple[str, ...]) -> list[str]:
    return [REPOSITORY / f"resources/prompts/zh/{name}.txt" for name in names]


def test_the_area_is_the_chance_that_a_true_pair_scores_above_a_negative():
    assert auc([3, 4], [1, 2]) == 1 and auc([1, 2], [3, 4]) == 0 and auc([1, 1], [1]) == 0.5
    assert auc([1, 3], [2, 2]) == 0.5 and auc([2, 3], [2]) == 0.75
    assert auc([], [1]) is None and auc([1], []) is None
    assert percentile_score(2, [1, 2, 3]) == 5 and percentile_score(9, [1, 2]) == 10


def test_verdicts_tell_how_well_every_criterion_tells_true_pairs_from_negatives():
    def marks(follows: int, style: int) -> dict:
        return {"follows": follows, "style": style}

    found = Verdicts(
        "judge",
        {
            "p": {
                "value": 5,
                "marks": marks(9, 5),
                "swapped": [2],
                "swapped_marks": [marks(2, 5)],
            },
            "q": {"value": 6, "marks": marks(8, 6), "swapped": [], "swapped_marks": []},
            "r": {"value": None, "failed": "refused: no", "swapped": [], "swapped_marks": []},
        },
    )
    assert found.calibration == {
        "auc": 1.0,
        "true": 2,
        "swapped": 1,
        "criteria": {"follows": 1.0, "style": 0.75},
    }
    assert found.scores == {"p": 5, "q": 6, "r": None}
    assert found.of("r") == {"score": None, "failed": "refused: no"}
    likelihood = Verdicts(
        "likelihood",
        {"p": {"value": 2.0, "swapped": [1.0, 3.0]}, "q": {"value": 4.0, "swapped": []}},
    )
    assert likelihood.scores == {"p": 5, "q": 10} and likelihood.calibration["criteria"] == {}


def test_agreement_is_over_the_pairs_that_both_scored():
    scores = {
        "a": {"p": 1, "q": 2, "r": 3, "s": None},
        "b": {"p": 3, "q": 2, "r": 1, "s": 9},
        "c": {"p": 5, "q": 5, "r": 5, "s": 5},
    }
    found = agreement(scores)
    assert [entry["scorers"] for entry in found] == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found[0] == {"scorers": ["a", "b"], "pairs": 3, "spearman": -1, "kendall": -1}
    assert found[2]["pairs"] == 4 and found[2]["spearman"] is None and found[2]["kendall"] is None


def test_what_answers_took_is_counted_on_their_way_and_added_up_by_role():
    outcomes = [
        Answered("a", None, Usage(100, 64, 10, 0.5, 1, {"2026-11-24 peak": 0.5}), False),
        Failed("b", "refused", "", None, Usage(200, 0, 20, 1.0, 2, {"2026-11-24": 1.0}), True),
    ]
    counter = Counter()
    assert list(counter.watch(outcomes)) == outcomes
    account = counter.account()
    assert account == {
        "questions": 2,
        "failed": 1,
        "input": 300,
        "cached": 64,
        "output": 30,
        "cost": 1.5,
        "calls": 3,
        "paid": {"2026-11-24": 1.0, "2026-11-24 peak": 0.5},
    }
    both = add_up(
        [
            {"role": "generator", **account},
            {"role": "judge", **account},
            {"role": "generator", **account},
        ]
    )
    assert (
        both["judge"] == account
        and both["generator"]["calls"] == 6
        and both["generator"]["cost"] == 3
        and both["generator"]["paid"] == {"2026-11-24": 2.0, "2026-11-24 peak": 1.0}
    )


@pytest.fixture(scope="module")
def plans(novel_text):
    length = LengthClass("short", 1, (60, 250), (80, 250))
    chunks = [
        {
            "id": f"c{start}",
            "novel": "n",
            "chapter": start,
            "start": start,
            "text": novel_text[start : start + 600],
        }
        for start in range(0, 6000, 600)
    ]
    return [plan_chunk(chunk, [length], per_chunk=2, seed=0) for chunk in chunks]


def role(price: Price = Price(1.0, 0.1, 2.0), in_words: bool = False, count=about) -> Role:
    return Role("p", price, in_words, count)


def generator(plans, who: Role, mode: str = "span"):
    return of_generator(
        questions(plans, templates(OF_GENERATOR[mode]), mode, bounded=False, sampling={}),
        plans,
        who,
        mode=mode,
    )


#: What three tokenizers count, each with its own vocabulary: Qwen2.5's, DeepSeek-V4's, Mistral's (tekken 240911).
COUNTED = {
    "resources/novels/ban-jin-du.txt": (15232, 14008, 19730),
    "LICENSE": (2274, 2264, 2372),
    "tests/fixtures/text/english.txt": (445, 445, 445),
    "tests/fixtures/text/japanese.txt": (200, 205, 190),
}


@pytest.mark.parametrize("file", COUNTED)
def test_tokens_of_an_unknown_tokenizer_are_told_within_a_quarter(file):
    text = (REPOSITORY / file).read_text(encoding="utf-8")[:20000]
    for counted in COUNTED[file]:
        assert about(text) == pytest.approx(counted, rel=0.25)


def test_an_answer_of_a_server_of_our_own_is_spelt_out(plans):
    spelt = Role("p", Price(), False, about, spelt=True)
    usual = Role("p", Price(), False, about)
    # Measured in the sample run: 25 tokens for an answer with two cuts.
    two = [plan for plan in plans if len(plan.slots) == 2]
    each = generator(two, spelt, "cut").output / len(two)
    assert each == pytest.approx(25, rel=0.25) and each > generator(two, usual, "cut").output / len(
        two
    )


def test_an_estimate_counts_every_question_and_prices_it(plans):
    found = generator(plans, role(count=len))
    asked = questions(plans, templates(OF_GENERATOR["span"]), "span", bounded=False, sampling={})
    assert found.calls == 10
    said = sum(len(message["content"]) for each in asked for message in each.messages)
    assert said < found.input < said + 10 * 30
    assert found.cost == pytest.approx(
        ((found.input - found.cached) + 0.1 * found.cached + 2 * found.output) / 1e6
    )
    # What all questions begin with alike is read once, in whole blocks.
    assert found.cached % (9 * CACHE_BLOCK) == 0 and found.cached > 9 * CACHE_BLOCK
    in_words = generator(plans, role(Price(), in_words=True))
    assert in_words.input > generator(plans, role()).input + 10 * 100 and in_words.cost == 0


def test_a_shorter_answer_is_expected_in_mode_cut_and_a_longer_one_in_mode_write(plans):
    cut, span, write = (
        generator(plans, role(count=len), mode).output for mode in ("cut", "span", "write")
    )
    assert cut < span / 4
    assert write == pytest.approx(20 * (155 + 165), rel=0.1)


def test_a_judge_reads_each_pair_and_a_share_of_them_twice(plans):
    once, twice = (
        of_judge(plans, templates(OF_JUDGE), role(), mode="span", calibration=share)
        for share in (0, 1)
    )
    assert once.calls == 20 and twice.calls == 40
    assert twice.input == pytest.approx(2 * once.input, abs=1) and twice.output == 2 * once.output
    cut = [
        replace(
            plan,
            slots=[
                (length, [settled(cut, plan.sentences) for cut in cuts])
                for length, cuts in plan.slots
            ],
        )
        for plan in plans
    ]
    assert of_judge(cut, templates(OF_JUDGE), role(), mode="cut", calibration=0).input > once.input
