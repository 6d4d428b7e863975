"""A base model that has read the novel recites it; one that repeats its prompt has read nothing."""

from xuxie.evaluation import acquaintance as module
from xuxie.evaluation.acquaintance import acquaintance
from xuxie.evaluation.memorisation import copy_lengths

NOVEL = "".join(f"第{number:03d}夜，灯塔守到了天亮，海上没有一只船。" for number in range(60))


def sample(number, text):
    return {
        "novel": "n", "chapter": number, "prompt": {"input": NOVEL[220 * number : 220 * number + 110]},
        "outputs": {"base": {"text": text}, "tuned": {"text": NOVEL[:60]}},
    }  # fmt: skip


def test_what_is_recited_is_counted_and_what_was_asked_is_not():
    recited = NOVEL[600:660]
    asked = [
        sample(0, recited),
        sample(1, "雾" * 60),
        sample(3, sample(3, "")["prompt"]["input"][:60]),
    ]
    found = acquaintance(asked, NOVEL)
    assert found["copied"]["value"] == 60 / 180 and found["copied"]["chapters"] == 3
    assert found["longest"] == 60


def test_a_prompt_of_nothing_leaves_the_novel_as_it_is(monkeypatch):
    novels = []

    def lengths(novel, texts):
        novels.append(novel)
        return copy_lengths(novel, texts)

    monkeypatch.setattr(module, "copy_lengths", lengths)
    empty = {**sample(0, NOVEL[600:660]), "prompt": {"input": ""}}
    assert acquaintance([empty, empty], NOVEL)["longest"] == 60
    assert novels == [NOVEL]


def test_nothing_recited_is_no_proof():
    found = acquaintance([sample(number, "雾" * 60) for number in range(4)], NOVEL)
    assert found["copied"]["value"] == 0 < found["copied"]["high"] and found["longest"] == 0


def test_without_the_base_model_nothing_is_known():
    assert acquaintance([{**sample(0, ""), "outputs": {}}], NOVEL) is None
