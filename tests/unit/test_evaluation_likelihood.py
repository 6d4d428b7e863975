"""Bits per character: by definition on a model that knows nothing, by hand on made-up bits."""

import math

import pytest
import torch
from tiny_model import make_tiny_model
from xuxie.evaluation.likelihood import bits_by_token, compare_likelihood, verdict
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import BARE, Prompting

TEXT = "雾从海上来，灯塔的光在雾里打着转。阿澈数到第七下，听见有人敲门。\n" * 3


def row(chapter, output, length="short"):
    return {
        "instruction": "续写：", "input": TEXT[:20], "output": output, "system": "", "history": [], "novel": "n", "chapter": chapter, "length": length,
    }  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    torch.set_num_threads(1)
    return load_model(
        make_tiny_model(tmp_path_factory.mktemp("tiny"), TEXT, vocabulary=400), dtype="float32"
    )


def test_a_model_that_knows_nothing_pays_the_logarithm_of_its_vocabulary(loaded):
    model, tokenizer = loaded
    kept = model.get_output_embeddings().weight.clone()
    try:
        torch.nn.init.zeros_(model.get_output_embeddings().weight)
        for template in ("qwen", BARE):
            (bits,) = bits_by_token(model, Prompting(tokenizer, template), [row(1, TEXT[20:60])])
            tokens = tokenizer(TEXT[20:60], add_special_tokens=False)["input_ids"]
            assert [value for _, value in bits] == pytest.approx(
                [math.log2(model.config.vocab_size)] * len(tokens)
            )
    finally:
        model.get_output_embeddings().weight.data.copy_(kept)


def test_every_token_stands_at_its_place_in_the_output(loaded):
    model, tokenizer = loaded
    output = "灯塔的光，𠮷野。"  # rare characters take several tokens each
    (bits,) = bits_by_token(model, Prompting(tokenizer, "qwen"), [row(1, output)])
    offsets = [offset for offset, _ in bits]
    assert offsets == sorted(offsets) and offsets[0] == 0 and offsets[-1] == len(output) - 1
    assert len(offsets) > len(output)


def test_what_goes_before_matters(loaded):
    model, tokenizer = loaded
    rows = [row(1, TEXT[20:50])]
    asked = bits_by_token(model, Prompting(tokenizer, "qwen"), rows)
    assert asked != bits_by_token(model, Prompting(tokenizer, BARE), rows)
    assert asked != bits_by_token(model, Prompting(tokenizer, "qwen"), rows, system="别的")


def even(rows, bits):
    """The same bits for every character."""
    return [[(place, bits) for place in range(len(row["output"]))] for row in rows]


ROWS = [
    row(chapter, "字" * length, "short" if length < 200 else "long")
    for chapter, length in enumerate((50, 150, 400, 50, 150, 400))
]


def test_the_base_may_choose_its_format():
    got = compare_likelihood(
        ROWS, {"bare": even(ROWS, 4.0), "template": even(ROWS, 5.0)}, even(ROWS, 4.5)
    )
    assert (got["base_format"], got["base_formats"]) == ("bare", {"bare": 4.0, "template": 5.0})
    assert got["difference"]["value"] == pytest.approx(0.5)
    assert verdict(got["difference"]) == "worse"
    got = compare_likelihood(
        ROWS, {"bare": even(ROWS, 6.0), "template": even(ROWS, 5.0)}, even(ROWS, 4.5)
    )
    assert got["base_format"] == "template" and verdict(got["difference"]) == "better"


def test_by_position_and_length_by_hand():
    # The tuned model foresees the first hundred characters better by one bit, and the rest worse by two.
    tuned = [
        [(place, bits - 1 if place < 100 else bits + 2) for place, bits in tokens]
        for tokens in even(ROWS, 5.0)
    ]
    got = compare_likelihood(ROWS, {"bare": even(ROWS, 5.0)}, tuned)
    assert [(s["start"], s["characters"], s["base"]["value"], s["tuned"]["value"]) for s in got["by_position"]] == [
        (0, 500, 5, 4), (100, 500, 5, 7), (300, 200, 5, 7),
    ]  # fmt: skip
    assert got["difference"]["value"] == pytest.approx((-500 + 2 * 700) / 1200)
    assert got["by_length"]["short"]["difference"]["value"] == pytest.approx((-300 + 2 * 100) / 400)
    assert got["by_length"]["long"]["characters"] == 800


def test_within_the_margin_of_error_there_is_no_verdict():
    tuned = even(ROWS, 5.0)
    tuned[0] = [(place, 9.0) for place, _ in tuned[0]]
    tuned[1] = [(place, 3.5) for place, _ in tuned[1]]
    got = compare_likelihood(ROWS, {"bare": even(ROWS, 5.0)}, tuned)
    assert (
        got["difference"]["low"] < 0 < got["difference"]["high"]
        and verdict(got["difference"]) == "unclear"
    )
    assert verdict({"low": None, "high": None}) == "unclear"
