"""What is reported of the roles: how well scorers tell true from swapped, how far they agree, and what the answers took."""

import random

import pytest
from scipy import stats
from workspace import REPOSITORY
from xuxie.llm import Answered, Failed, Question, Usage
from xuxie.llm.usage import Price
from xuxie.pairs.account import Counter, add_up
from xuxie.pairs.agreement import agreement, kendall, spearman
from xuxie.pairs.calibration import auc, percentile_score
from xuxie.pairs.estimate import Role, of_generator, of_judge, tokens_of
from xuxie.pairs.generation import Wording, question
from xuxie.pairs.planning import plan_chunk
from xuxie.pairs.spans import LengthClass

ZH = REPOSITORY / "resources/prompts/zh"


def test_the_area_is_the_chance_that_a_true_pair_scores_above_a_swapped_one():
    assert auc([3, 4], [1, 2]) == 1 and auc([1, 2], [3, 4]) == 0 and auc([1, 1], [1]) == 0.5
    assert auc([1, 3], [2, 2]) == 0.5 and auc([2, 3], [2]) == 0.75
    assert auc([], [1]) is None and auc([1], []) is None
    assert percentile_score(2, [1, 2, 3]) == 5 and percentile_score(9, [1, 2]) == 10


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlations_are_those_of_scipy(seed):
    source = random.Random(seed)
    left = [source.randint(0, 6) for _ in range(40)]  # with ties
    right = [value + source.gauss(0, 3) for value in left]
    assert spearman(left, right) == pytest.approx(stats.spearmanr(left, right).statistic, abs=1e-4)
    assert kendall(left, right) == pytest.approx(stats.kendalltau(left, right).statistic, abs=1e-4)


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
        Answered("a", None, Usage(100, 64, 10, 0.5, 1), False),
        Failed("b", "refused", "", None, Usage(200, 0, 20, 1.0, 2), True),
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


def asked(plans, **settings) -> list[Question]:
    return [question(plan, Wording.read(ZH, "span"), bounded=False, sampling={}) for plan in plans]


def test_an_estimate_counts_every_question_and_prices_it(plans):
    role = Role("p", Price(1.0, 0.1, 2.0), "schema")
    found = of_generator(asked(plans), plans, role, mode="span")
    assert found.calls == 10
    assert found.input == sum(
        tokens_of(message["content"]) for each in asked(plans) for message in each.messages
    )
    assert found.output == 75 * 20
    assert found.cost == pytest.approx(
        ((found.input - found.cached) + 0.1 * found.cached + 2 * found.output) / 1e6
    )
    in_words = of_generator(asked(plans), plans, Role("p", Price(), "auto"), mode="span")
    assert in_words.input > found.input and in_words.cost == 0
    written = of_generator(asked(plans), plans, role, mode="write")
    assert written.output == pytest.approx(found.output + 0.8 * 20 * 320, rel=0.01)


def test_a_judge_at_the_generators_endpoint_finds_the_chunk_in_the_cache(plans):
    role, other = Role("p", Price(1, 0.1, 2), "schema"), Role("q", Price(1, 0.1, 2), "schema")
    near, far = (of_judge(plans, ZH, who, calibration=0.2, after=role) for who in (role, other))
    assert near.calls == far.calls == 10 and near.input == far.input
    assert near.cached > far.cached + 10 * 300 and near.cached % 64 == 0
    assert near.cost < far.cost
    more = of_judge(plans, ZH, role, calibration=1, after=role)
    assert more.input > near.input and more.output == 2 * 75 * 20
