"""Which way of drawing is nearest to the author: on made-up statistics, and on a tiny model's own view of tokens."""

import json
import math

import numpy as np
import pytest
import torch
from compare_decodings import compare_decodings
from tiny_model import make_tiny_model
from xuxie.errors import UserError
from xuxie.evaluation.decoding import STATISTICS, compare_ways, distances, measure
from xuxie.files.rows import write_rows
from xuxie.models import shared_prefixes
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import Prompting

TEXT = "雾从海上来，灯塔的光在雾里打着转。阿澈数到第七下，听见有人敲门。\n" * 3
ROW = {"instruction": "续写：", "input": "雾从海上来，", "output": "", "system": "", "history": []}
VAL = {**ROW, "id": "v", "novel": "n", "chapter": 1, "output": TEXT, "state": "", "outline": ""}
CHAPTERS = [1, 1, 2, 2, 3, 3]


@pytest.fixture(scope="module")
def author():
    return np.random.default_rng(1).normal(size=(6, len(STATISTICS)))


def test_a_distance_is_in_standard_deviations_of_the_author(author):
    assert distances(author, author) == pytest.approx(0)
    shifted = author + 2 * author.std(axis=0, ddof=1)
    assert distances(author, shifted) == pytest.approx(2)


def test_the_nearest_way_is_found_and_whether_it_is_surely_nearer(author):
    far, near = author + 5, author + 0.2
    found = compare_ways(author, [far, near, author + 2], CHAPTERS)
    assert found["nearest"] == 1 and found["verdict"] == "better"
    assert found["change"]["chapters"] == 3 and found["change"]["high"] < 0
    assert (
        found["ways"][1]["distance"] < found["ways"][2]["distance"] < found["ways"][0]["distance"]
    )
    assert set(found["author"]) == set(STATISTICS)
    # Of two chapters nothing is sure.
    assert compare_ways(author, [far, near], [1, 1, 1, 2, 2, 2])["verdict"] == "unclear"


def test_where_the_configured_way_is_the_nearest_nothing_is_better(author):
    found = compare_ways(author, [author, author + 1], CHAPTERS)
    assert found["nearest"] == 0 and found["change"]["value"] == 0 and found["verdict"] == "unclear"
    assert compare_ways(author, [author + 1, author], [1] * 6)["verdict"] == "unclear"


def nothing(author):
    """What `measure` gives of a way that writes nothing."""
    written = np.full_like(author, math.nan)
    written[:, 0] = 0
    return written


@pytest.mark.filterwarnings("error")
def test_a_way_that_writes_nothing_is_the_farthest(author):
    found = compare_ways(author, [nothing(author), author + 1, author + 2], CHAPTERS)
    assert found["nearest"] == 1 and found["verdict"] == "unclear"
    assert found["change"]["value"] is None
    mute = found["ways"][0]
    assert mute["distance"] is mute["statistics"]["rank"] is mute["distances"]["rank"] is None
    assert mute["statistics"]["length"] == 0
    json.dumps(found, allow_nan=False)
    found = compare_ways(author, [author + 1, nothing(author)], CHAPTERS)
    assert found["nearest"] == 0 and found["change"]["value"] == 0


@pytest.mark.filterwarnings("error")
def test_a_way_that_writes_in_one_chapter_alone_is_not_surely_nearer(author):
    written = nothing(author)
    written[:2] = author[:2]
    found = compare_ways(author, [author + 5, written], CHAPTERS)
    assert found["nearest"] == 1 and found["change"]["low"] is None
    assert found["verdict"] == "unclear"


def test_where_no_way_writes_anything_none_is_the_nearest(author):
    with pytest.raises(UserError, match="writes nothing"):
        compare_ways(author, [nothing(author)] * 2, CHAPTERS)


def test_an_empty_text_is_left_out_of_what_it_has_no_value_for(author):
    written = author.copy()
    written[0, 1:] = math.nan
    assert np.isfinite(distances(author, written)).all()


def test_ranks_and_entropies_are_the_model_s(tmp_path):
    torch.set_num_threads(1)
    model, tokenizer = load_model(make_tiny_model(tmp_path, TEXT, vocabulary=400), dtype="float32")
    prompting = Prompting(tokenizer, "qwen")
    text = "灯塔的光在雾里打着转。" * 80
    ((row,), (nothing,)) = measure(model, prompting, [ROW], [[text], [""]], None)
    context, ids = prompting.prompt_ids(ROW), tokenizer.encode(text, add_special_tokens=False)
    assert len(ids) > 64
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*context, *ids]])).logits[0, len(context) - 1 : -1]
    ranks = [1 + int((scores > scores[token]).sum()) for scores, token in zip(logits, ids, strict=True)]  # fmt: skip
    entropy = torch.distributions.Categorical(logits=logits).entropy().mean() / math.log(2)
    got = dict(zip(STATISTICS, row, strict=True))
    assert got["rank"] == pytest.approx(np.log2(ranks).mean(), abs=1e-3)
    assert got["entropy"] == pytest.approx(float(entropy), abs=1e-3)
    assert got["length"] == pytest.approx(math.log(len(text)))
    assert got["seq_rep_4"] > 0.8 > got["distinct_2"]
    assert nothing[0] == 0 and np.isnan(nothing[1:]).all()


@pytest.mark.parametrize("goes_back", [True, False])
def test_ways_that_are_read_together_are_seen_as_each_alone(tmp_path, monkeypatch, goes_back):
    torch.set_num_threads(1)
    monkeypatch.setattr(shared_prefixes, "_can_go_back", lambda model: goes_back)
    model, tokenizer = load_model(make_tiny_model(tmp_path, TEXT, vocabulary=400), dtype="float32")
    prompting = Prompting(tokenizer, "qwen")
    ways = [["灯塔的光在雾里打着转。" * 70], ["灯塔的光灭了，没有人知道是谁灭的。"], [""]]
    together = measure(model, prompting, [ROW], ways, None)
    for way, seen in zip(ways, together, strict=True):
        assert np.allclose(
            seen, measure(model, prompting, [ROW], [way], None)[0], atol=1e-4, equal_nan=True
        )


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "no watched chapters"), ([VAL], "too few"), ([VAL, {**VAL, "output": "短"}], "too few")],
)
def test_without_enough_watched_chapters_the_key_that_gives_some_is_named(tmp_path, rows, message):
    write_rows(tmp_path / "val.jsonl", rows)
    write_rows(tmp_path / "val_text.jsonl", [{"novel": "n", "chapter": 1, "text": "短。"}])
    with pytest.raises(UserError, match=rf"(?s){message}.*config key datasets\.\*\.split"):
        compare_decodings(
            val=str(tmp_path / "val.jsonl"),
            val_text=str(tmp_path / "val_text.jsonl"),
            adapter="",
            model=[],
            decoding="",
            sampling={},
            grid=[],
            prompts=4,
            template="qwen",
            history_turns=0,
            trust_remote_code=False,
            threads=torch.get_num_threads(),
        )
