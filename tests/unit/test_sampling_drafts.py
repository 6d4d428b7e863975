"""Which of several drafts is taken: by a tiny model that has learnt nothing, and by one that finds some texts likelier."""

import math

import pytest
from xuxie.sampling import drafts
from xuxie.sampling.drafts import Exam, draft_id, drafted, examine, take_best

ROW = {"id": "r1", "input": "雾来了。", "history": []}


class Letters:
    """A tokenizer with a token a character, and a template that is the input alone."""

    @property
    def tokenizer(self):
        return self

    def encode(self, text, add_special_tokens):
        return [ord(character) for character in text]

    def prompt_ids(self, row, system):
        return [ord(character) for character in row["input"]]


@pytest.fixture(autouse=True)
def surprised(monkeypatch):
    """A model that is surprised by 错 alone, by eight bits, and finds every other character worth four."""

    def nll(model, items):
        return [
            [(8 if token == ord("错") else 4) * math.log(2) for token in ids] for _, ids in items
        ]

    monkeypatch.setattr(drafts, "completion_nll", nll)


def passage(**corrupted):
    true = "灯塔的光在雾里打着转，阿澈数到第七下。"
    return {"context": "雾来了。", "true": true, "corrupted": corrupted}


def output(text):
    return {"text": text, "stop": "natural", "seconds": 1.0}


def taken(texts, fit=True):
    outputs = {draft_id("r1", number): output(text) for number, text in enumerate(texts)}
    best = take_best(None, Letters(), [ROW], outputs, count=len(texts), certificate={"auc": {"looping": 1.0}, "fit": fit}, system=None)  # fmt: skip
    return best["r1"]


def test_the_first_draft_has_the_name_that_a_single_one_has():
    assert [row["id"] for row in drafted([ROW, {"id": "r2"}], 2)] == ["r1", "r2", "r1#1", "r2#1"]
    assert drafted([ROW], 1) == [ROW]


def test_the_likelier_draft_is_taken_but_no_loop():
    found = taken(
        [
            "她错了，又错了。",
            "",
            "灯亮了，门开了，人走了。",
            "灯亮了。灯亮了。灯亮了。灯亮了。灯亮了。",
        ]
    )
    assert found["text"] == "灯亮了，门开了，人走了。" and found["draft"] == 2
    assert found["seconds"] == 4 and found["drafts"]["count"] == 4


def test_a_ranking_that_failed_its_exam_takes_the_first():
    found = taken(["她错了，又错了。", "灯亮了，门开了，人走了。"], fit=False)
    assert found["draft"] == 0 and found["drafts"]["fit"] is False


def test_the_exam_asks_every_corruption():
    worse = {name: "灯塔错的光在雾里打错着转，阿澈数到。" for name in ("shuffled", "joined")}
    loop = "灯塔的光在雾里。" * 5
    found = examine(None, Letters(), Exam([passage(**worse, looping=loop)] * 4, 4, 0.9), ROW, None)
    assert found == {"auc": {"shuffled": 1, "joined": 1, "looping": 1}, "fit": True}
    same = passage()["true"]
    found = examine(None, Letters(), Exam([passage(**worse, names_swapped=same)] * 4, 4, 0.9), ROW, None)  # fmt: skip
    assert found["auc"]["names_swapped"] == 0.5 and not found["fit"]
    assert not examine(None, Letters(), Exam([passage()], 4, 0.9), ROW, None)["fit"]
