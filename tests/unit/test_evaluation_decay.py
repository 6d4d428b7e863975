"""Long continuations by quarter, on texts whose ways are plain: one that stays as it is, one that falls into a loop, one that ends early."""

import random

import pytest
from xuxie.evaluation.decay import decay_of_texts
from xuxie.evaluation.lengths import bounds_of_quarters, followed_length, longest_of_most
from xuxie.evaluation.preference import comparisons, verdicts
from xuxie.evaluation.quarters import Against, followed
from xuxie.evaluation.win_rates import win_rates

CHARACTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


def prose(seed, length):
    """Text without a pattern, in sentences of ten characters."""
    draw = random.Random(seed)
    return "".join("".join(draw.choices(CHARACTERS, k=9)) + "。" for _ in range(length // 10))


def samples(count=6, length=1600):
    found = []
    for number in range(count):
        steady = prose(f"steady {number}", length + 40)
        looping = prose(f"looping {number}", length // 2)
        looping += looping[-20:] * (length // 40 + 2)
        outputs = {"steady": steady, "looping": looping, "short": steady[:300]}
        found.append(
            {
                "id": f"s{number}", "novel": "n", "chapter": number, "prompt": {"input": prose(f"prompt {number}", 100)},
                "reference": prose(f"author {number}", length + 10),
                "outputs": {name: {"text": text, "stop": "natural"} for name, text in outputs.items()},
            }
        )  # fmt: skip
    return found


def highlights(rows, **names):
    """None of the author's names is invented."""
    systems = ("human", "steady", "looping", "short")
    return {
        row["id"]: {system: {"invented_names": names.get(system, [])} for system in systems}
        for row in rows
    }


@pytest.fixture(scope="module")
def found():
    rows = samples()
    inventions = [(10, "王建国"), (450, "王建国"), (900, "李秀英"), (1300, "李秀英")]
    return decay_of_texts(rows, highlights(rows, steady=inventions), [], 1600)


def curve(found, system, metric):
    return found["systems"][system]["metrics"][metric]


def test_the_author_s_own_of_the_same_length_is_one_of_those_that_are_followed(found):
    assert found["length"] == 1600
    assert found["quarters"] == [[0, 400], [400, 800], [800, 1200], [1200, 1600]]
    assert found["systems"]["human"]["texts"] == found["systems"]["human"]["chapters"] == 6
    assert len(curve(found, "human", "distinct_2")["quarters"]) == 4
    assert "state" not in curve(found, "human", "distinct_2")


def test_what_stays_as_it_is_holds_to_the_end(found):
    got = curve(found, "steady", "distinct_2")
    assert got["state"] == "holds" and got["holds_to"] == 1600 and got["breaks_at"] is None
    assert got["quarters"][3]["change"]["high"] < 0.1


def test_a_loop_breaks_where_it_begins(found):
    distinct = curve(found, "looping", "distinct_2")
    assert distinct["state"] == "breaks" and distinct["holds_to"] == 800
    assert distinct["breaks_at"] == 800
    within = curve(found, "looping", "seq_rep_4")
    assert within["quarters"][0]["value"] == 0 and within["quarters"][2]["value"] > 0.9
    # Nothing is relative to nothing, and yet it breaks.
    assert within["quarters"][2]["change"] is None and within["breaks_at"] == 800
    assert curve(found, "looping", "repeats_before")["quarters"][3]["value"] == 1


def test_a_text_that_ends_early_has_no_quarters(found):
    assert found["systems"]["short"] == {"texts": 0, "chapters": 0, "metrics": {}}


def test_a_name_is_invented_once(found):
    got = [quarter["value"] for quarter in curve(found, "steady", "invented_names")["quarters"]]
    assert got == [2.5, 0, 2.5, 0]


def test_a_loop_is_told_from_the_author_in_those_quarters_in_which_it_runs(found):
    told = curve(found, "looping", "detectability")
    assert told["windows"] == 12
    assert told["quarters"][3]["value"] > 0.9
    assert told["quarters"][3]["value"] > told["quarters"][0]["value"]


def test_of_few_chapters_nothing_can_be_told():
    rows = samples(2)
    found = decay_of_texts(rows, highlights(rows), [], 1600)
    assert curve(found, "steady", "distinct_2")["state"] == "unclear"
    assert curve(found, "looping", "distinct_2")["state"] == "unclear"
    assert "detectability" not in found["systems"]["looping"]["metrics"]


def test_short_texts_have_no_quarters():
    rows = samples(3, 400)
    assert decay_of_texts(rows, highlights(rows), [], 400) is None


def test_the_length_is_what_was_asked_for_or_the_one_that_most_text_reaches():
    rows = samples()
    assert followed_length(rows, 1600) == 1600
    assert followed_length(rows, 0) in (1610, 1640)
    assert longest_of_most([300, 1000, 1100]) == 1000 and longest_of_most([]) == 0
    assert bounds_of_quarters(1001)[-1] == (750, 1001)


@pytest.mark.parametrize(
    "later, state, breaks_at",
    [
        ([1.02, 1.0, 1.03], "holds", None),
        ([1.0, 1.5, 1.5], "breaks", 200),
        ([1.0, 1.5, 1.02], "holds", 200),
    ],
)
def test_a_quarter_holds_within_a_tenth_of_the_first(later, state, breaks_at):
    chapters = list(range(8))
    noise = [0.01 * (number % 3) for number in chapters]
    quarters = [[(100 * level + extra, 100) for extra in noise] for level in (1.0, *later)]
    got = followed(quarters, bounds_of_quarters(400), chapters, Against())
    assert (got["state"], got["breaks_at"]) == (state, breaks_at)


def test_what_may_be_chance_neither_holds_nor_breaks():
    chapters = list(range(4))
    quarters = [[(100, 100)] * 4] * 3 + [[(80, 100), (150, 100), (90, 100), (120, 100)]]
    got = followed(quarters, bounds_of_quarters(400), chapters, Against())
    assert got["state"] == "unclear" and got["breaks_at"] is None and got["holds_to"] == 300


def test_what_grows_in_the_author_s_text_as_well_is_taken_off():
    chapters = list(range(6))
    growing = [[(10 * number + 10, 100)] * 6 for number in range(4)]
    alone = followed(growing, bounds_of_quarters(400), chapters, Against())
    beside = followed(growing, bounds_of_quarters(400), chapters, Against(author=growing))
    assert alone["state"] == "breaks" and beside["state"] == "holds"


@pytest.mark.parametrize(("author", "state"), [(40, "holds"), (2, "breaks")])
def test_what_repeats_less_than_the_author_holds_whatever_it_was_at_first(author, state):
    chapters = list(range(6))
    tripled = [[(1, 100)] * 6] * 3 + [[(3, 100)] * 6]
    against = Against(author=[[(author, 100)] * 6] * 4)
    assert followed(tripled, bounds_of_quarters(400), chapters, against)["state"] == state


def test_a_judge_compares_every_quarter_with_the_author_s():
    rows = samples(6)
    asked = comparisons(rows, prompts=6, seed=0, target_chars=1600)
    quarters = [one for one in asked if one.quarter is not None]
    assert {one.systems for one in quarters} == {("steady", "human"), ("looping", "human")}
    assert len(quarters) == 6 * 2 * 4
    for one in quarters:
        author = one.sample["reference"].index(one.texts[1])
        assert 400 * one.quarter <= author and author + len(one.texts[1]) <= 400 * (one.quarter + 1)
        if one.systems[0] == "steady":
            own = one.sample["outputs"]["steady"]["text"].index(one.texts[0])
            assert 400 * one.quarter <= own < 400 * one.quarter + 20
    judged = [
        {
            "id": one.sample["id"], "novel": "n", "chapter": one.sample["chapter"], "systems": list(one.systems), "quarter": one.quarter,
            "preferred": ["human", "human"] if one.systems[0] == "looping" and one.quarter == 3 else [None, None],
        }
        for one in quarters
    ]  # fmt: skip
    found = decay_of_texts(rows, highlights(rows), judged, 1600)
    got = curve(found, "looping", "preferred")
    assert [quarter["value"] for quarter in got["quarters"]] == [0.5, 0.5, 0.5, 0]
    assert got["breaks_at"] == 1200
    assert curve(found, "steady", "preferred")["state"] == "holds"
    # Win rates are of whole texts.
    assert win_rates(judged)["pairings"] == []
    assert [row["quarter"] for row in verdicts([], [])] == []
