"""A classifier that learns a hand, and nothing where there is none to learn."""

import random

import pytest
from xuxie.evaluation.detectability import WINDOW, detectability

NOUNS = "山水云雾灯船桥路门窗"


def text(draw, hand, topic, length=WINDOW * 2):
    """Characters of a hand's own particles among those of a chapter's topic."""
    return "".join(draw.choices(hand + topic, weights=[3] * len(hand) + [2] * len(topic), k=length))


def chapters_of(rows, length=WINDOW * 4):
    """What the author wrote in the chapters of these samples."""
    draw = random.Random(99)
    return {
        ("n", row["chapter"]): text(draw, "的了是", NOUNS[row["chapter"] % len(NOUNS)], length)
        for row in rows
    }


def told(rows):
    return detectability(rows, chapters_of(rows))


def samples(hands, *, chapters=6, prompts=3, seed=0, length=WINDOW * 2):
    """Samples of an author whose particles are 的了是, and of systems with hands of their own; each chapter has its own topic."""
    draw, found = random.Random(seed), []
    for chapter in range(chapters):
        topic = NOUNS[chapter % len(NOUNS)]
        for number in range(prompts):
            found.append(
                {
                    "id": f"{chapter}-{number}", "novel": "n", "chapter": chapter, "reference": text(draw, "的了是", topic, length),
                    "outputs": {name: {"text": text(draw, hand, topic, length)} for name, hand in hands.items()},
                }
            )  # fmt: skip
    return found


def test_a_foreign_hand_is_told_and_the_author_s_own_is_not():
    found = told(samples({"base": "之乎者", "tuned": "的了是"}))
    assert found["windows"] == 36 and found["chapters"] == 6
    assert found["auc"]["base"]["value"] == 1 and found["auc"]["base"]["low"] < 1
    assert found["auc"]["tuned"]["low"] < 0.5 < found["auc"]["tuned"]["high"]
    assert found["difference"]["high"] < 0


def test_of_one_hand_few_runs_find_two():
    # With the plain interval over chapters one in five of them did: folds learn from each other's chapters.
    differences = [
        told(samples({"base": "的了是", "tuned": "的了是"}, seed=seed))["difference"]
        for seed in range(20)
    ]
    assert sum(found["low"] > 0 or found["high"] < 0 for found in differences) <= 2


def test_a_longer_text_is_no_easier_to_tell():
    rows = samples({"base": "的了是", "tuned": "之乎者"})
    for row in rows:
        row["outputs"]["base"]["text"] += "啊" * 3 * WINDOW
    found = told(rows)
    assert found["windows"] == 36
    assert found["auc"]["base"]["low"] < 0.5 < found["auc"]["base"]["high"]


def test_short_samples_are_told_in_shorter_windows():
    found = told(samples({"base": "之乎者", "tuned": "的了是"}, length=WINDOW - 1))
    assert found["window"] == 150 and found["windows"] == 18
    assert found["difference"]["high"] < 0
    few = told(samples({"base": "之乎者", "tuned": "的了是"}, prompts=1, length=119))
    assert few["window"] == 50 and few["windows"] == 12
    assert few["auc"]["base"]["value"] == 1


def test_a_system_that_writes_little_leaves_the_other_no_more_windows():
    rows = samples({"base": "的了是", "tuned": "的了是"})
    for row in rows:
        row["outputs"]["tuned"]["text"] = row["outputs"]["tuned"]["text"][:WINDOW]
    assert told(rows)["windows"] == 18 and told(rows)["author"] == 6 * 4


@pytest.mark.parametrize(
    "changes",
    [{"chapters": 2, "prompts": 9}, {"chapters": 3, "prompts": 1, "length": 60}, {"length": 49}],
)
def test_too_few_samples_give_no_figure(changes):
    found = told(samples({"base": "之乎者", "tuned": "的了是"}, **changes))
    assert found["auc"] is None and found["difference"] is None
    assert found["windows"] < 12 or found["chapters"] < 3


def test_a_chapter_shorter_than_a_window_is_not_judged_in_such_windows():
    rows = samples({"base": "之乎者", "tuned": "的了是"})
    chapters = chapters_of(rows)
    chapters["n", 0] = chapters["n", 0][: WINDOW - 1]
    found = detectability(rows, chapters)
    assert (found["window"], found["windows"], found["chapters"]) == (WINDOW, 30, 5)
    assert found["auc"]["base"]["chapters"] == found["difference"]["chapters"] == 5
    # Where too few chapters are so long, shorter windows find more of them.
    for chapter in range(1, 4):
        chapters["n", chapter] = chapters["n", chapter][: WINDOW - 1]
    found = detectability(rows, chapters)
    assert found["window"] < WINDOW and found["chapters"] == 6


def test_without_the_base_model_there_is_no_difference():
    found = told(samples({"tuned": "之乎者"}))
    assert list(found["auc"]) == ["tuned"] and found["difference"] is None
