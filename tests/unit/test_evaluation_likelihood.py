"""Bits per character: by definition on a model that knows nothing, by hand on made-up bits."""

import math

import pytest
import torch
from tiny_model import make_tiny_model
from xuxie.evaluation.contexts import Plan, Reading
from xuxie.evaluation.likelihood import Side, bits_by_token, compare_sides, read_plan
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import BARE, Prompting

TEXT = "雾从海上来，灯塔的光在雾里打着转。阿澈数到第七下，听见有人敲门。\n" * 3
WORDING = {"instruction": "续写：", "input": "", "output": "", "system": "", "history": []}


def reading(completion, context=TEXT[:20], chapter=1):
    return Reading(chapter, context, completion)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    torch.set_num_threads(1)
    return load_model(
        make_tiny_model(tmp_path_factory.mktemp("tiny"), TEXT, vocabulary=400), dtype="float32"
    )


def bits(loaded, template, *readings, **changes):
    model, tokenizer = loaded
    return bits_by_token(model, Prompting(tokenizer, template), readings, WORDING, **changes)


def test_a_model_that_knows_nothing_pays_the_logarithm_of_its_vocabulary(loaded):
    model, tokenizer = loaded
    kept = model.get_output_embeddings().weight.clone()
    try:
        torch.nn.init.zeros_(model.get_output_embeddings().weight)
        for template in ("qwen", BARE):
            (found,) = bits(loaded, template, reading(TEXT[20:60]))
            tokens = tokenizer(TEXT[20:60], add_special_tokens=False)["input_ids"]
            assert [value for _, value in found] == pytest.approx(
                [math.log2(model.config.vocab_size)] * len(tokens)
            )
    finally:
        model.get_output_embeddings().weight.data.copy_(kept)


def test_every_token_stands_at_its_place_in_the_continuation(loaded):
    output = "灯塔的光，𠮷野。"  # rare characters take several tokens each
    (found,) = bits(loaded, "qwen", reading(output))
    offsets = [offset for offset, _ in found]
    assert offsets == sorted(offsets) and offsets[0] == 0 and offsets[-1] == len(output) - 1
    assert len(offsets) > len(output)


def test_what_goes_before_matters(loaded):
    asked = bits(loaded, "qwen", reading(TEXT[20:50]))
    assert asked != bits(loaded, BARE, reading(TEXT[20:50]))
    assert asked != bits(loaded, "qwen", reading(TEXT[20:50]), system="别的")
    assert asked != bits(loaded, "qwen", reading(TEXT[20:50], context=TEXT[5:20]))


def test_nothing_may_go_before(loaded):
    (found,) = bits(loaded, BARE, reading(TEXT[:20], context=""))
    assert len(found) and all(value > 0 for _, value in found)


READINGS = [
    reading("字" * length, chapter=chapter) for chapter, length in enumerate((50, 150, 200), 1)
]


def plan(**changes):
    parts = {
        "longest": 500, "whole": READINGS, "full": [0, 1, 2], "mismatched": READINGS, "few": [1, 2],
        "ladder": {0: READINGS[1:], 100: READINGS[1:]}, "stretches": [reading("字" * 400, chapter=chapter) for chapter in (1, 2, 3)],
    }  # fmt: skip
    return Plan(**{**parts, **changes})


def even(readings, bits):
    """The same bits for every character."""
    return [[(place, bits) for place in range(len(item.completion))] for item in readings]


def side(a_plan, *, whole=5.0, mismatched=5.5, ladder=(6.0, 5.7), stretches=None, format="bare"):
    rungs = {
        length: even(readings, bits)
        for (length, readings), bits in zip(a_plan.ladder.items(), ladder, strict=True)
    }
    stretches = stretches or even(a_plan.stretches, whole)
    return Side(
        format, {format: 5.0}, even(a_plan.whole, whole), even(a_plan.mismatched, mismatched), rungs, stretches
    )  # fmt: skip


def test_both_sides_have_the_format_that_suits_them(loaded):
    model, tokenizer = loaded
    formats = {"bare": Prompting(tokenizer, BARE), "template": Prompting(tokenizer, "qwen")}
    parts = [reading(TEXT[20:40], context=TEXT[:length]) for length in (0, 5, 20)]
    a_plan = Plan(20, parts[2:], [0], parts[2:], [0], {0: parts[:1], 5: parts[1:2]}, parts)
    got = read_plan(model, formats, a_plan, WORDING)
    for name, prompting in formats.items():
        (trial,) = bits_by_token(model, prompting, parts[1:2], WORDING)
        assert got.formats[name] == pytest.approx(sum(value for _, value in trial) / 20)
    assert got.format == min(got.formats, key=got.formats.get)
    expected = bits_by_token(model, formats[got.format], parts, WORDING)
    for found, wanted in zip(
        [got.ladder[0][0], got.ladder[5][0], got.whole[0]], expected, strict=True
    ):
        assert [value for _, value in found] == pytest.approx(
            [value for _, value in wanted], abs=1e-4
        )
    assert got.mismatched[0] == got.whole[0] == got.stretches[2]


def test_the_sides_are_compared_after_the_same_contexts():
    a_plan = plan()
    got = compare_sides(a_plan, side(a_plan, whole=5.0), side(a_plan, whole=4.5, format="template"))
    assert got["format"] == {"base": "bare", "tuned": "template"}
    assert (got["rows"], got["characters"], got["longest_context"]) == (3, 400, 500)
    assert got["difference"]["value"] == pytest.approx(-0.5)
    assert got["relative"]["value"] == pytest.approx(-0.1)
    assert got["relative"]["chapters"] == 3
    assert got["detectable"] == pytest.approx(0)
    assert [rung["context"] for rung in got["ladder"]] == [0, 100, 500]
    assert [rung["base"]["value"] for rung in got["ladder"]] == pytest.approx([6, 5.7, 5])
    assert got["ladder"][2]["tuned"]["value"] == 4.5 and got["ladder"][2]["rows"] == 2


def test_the_context_gain_is_what_the_true_context_saves():
    a_plan = plan(full=[0, 2], mismatched=[READINGS[0], READINGS[2]])
    got = compare_sides(
        a_plan, side(a_plan, whole=5.0, mismatched=5.25), side(a_plan, whole=4.5, mismatched=5.0)
    )["context_gain"]
    assert (got["rows"], got["characters"]) == (2, 250)
    assert [got[name]["value"] for name in ("base", "tuned", "difference")] == pytest.approx(
        [0.25, 0.5, 0.25]
    )
    assert got["use"] == "unclear"  # two chapters
    alone = plan(mismatched=[])
    assert compare_sides(alone, side(alone), side(alone))["context_gain"] is None


def test_every_stretch_is_measured_on_the_same_continuations():
    a_plan = plan()
    # The tuned model foresees the first hundred characters better by one bit, and the rest worse by two.
    tuned = [
        [(place, 4.0 if place < 100 else 7.0) for place, _ in tokens]
        for tokens in even(a_plan.stretches, 5.0)
    ]
    got = compare_sides(a_plan, side(a_plan), side(a_plan, stretches=tuned))["by_position"]
    assert [(s["start"], s["end"], s["characters"], s["base"]["value"], s["tuned"]["value"]) for s in got] == [
        (0, 100, 300, 5, 4), (100, 300, 600, 5, 7), (300, 400, 300, 5, 7),
    ]  # fmt: skip
    assert [(s["difference"]["value"], s["change"]["value"], s["fades"]) for s in got] == [
        (-1, 0, False), (2, 3, True), (2, 3, True),
    ]  # fmt: skip
    none = plan(stretches=[])
    assert (
        compare_sides(none, side(none, stretches=[]), side(none, stretches=[]))["by_position"] == []
    )
