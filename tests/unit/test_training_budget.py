"""A budget in tokens takes the same share of every chapter, by seed, and the ledger says what it cost."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_run import TrainingRun, texts_of
from xuxie.errors import UserError
from xuxie.files.rows import read_json, read_rows
from xuxie.training.budget import coverage, drawn_within
from xuxie.training.stage_rows import StageRows

ROWS = [{"novel": "n", "chapter": chapter} for chapter in (1, 2, 3) for _ in range(20 * chapter)]
SIZES = [10] * len(ROWS)


def shares(drawn: list[int]) -> list[float]:
    return [
        sum(ROWS[index]["chapter"] == chapter for index in drawn) / (20 * chapter)
        for chapter in (1, 2, 3)
    ]


@pytest.mark.parametrize("budget", [120, 300, 600, 1000])
def test_every_chapter_gives_the_same_share(budget):
    drawn = drawn_within(ROWS, SIZES, budget, seed=1)
    assert budget - 10 < sum(SIZES[index] for index in drawn) <= budget
    assert max(shares(drawn)) - min(shares(drawn)) <= 1 / 20
    assert drawn == sorted(set(drawn))


def test_the_draw_hangs_on_the_seed_alone():
    assert drawn_within(ROWS, SIZES, 300, seed=1) == drawn_within(ROWS, SIZES, 300, seed=1)
    assert drawn_within(ROWS, SIZES, 300, seed=1) != drawn_within(ROWS, SIZES, 300, seed=2)


def test_a_larger_budget_keeps_what_a_smaller_one_took():
    assert set(drawn_within(ROWS, SIZES, 300, seed=1)) < set(drawn_within(ROWS, SIZES, 600, seed=1))


def test_a_budget_below_one_row_a_chapter_takes_rows_from_all_over_the_book():
    rows = [{"novel": "n", "chapter": chapter} for chapter in range(100)]
    drawn = drawn_within(rows, [10] * 100, 200, seed=1)
    assert len(drawn) == 20
    assert min(drawn) < 20 and max(drawn) >= 80


def test_a_budget_below_one_row_is_refused_with_the_least_that_will_do():
    with pytest.raises(UserError, match=r"9 tokens(.|\n)*10 or more"):
        drawn_within(ROWS, SIZES, 9, seed=1)
    assert len(drawn_within(ROWS, SIZES, 10, seed=1)) == 1


def test_chapters_that_a_budget_leaves_out_are_counted(caplog):
    kept = StageRows(ROWS, SIZES, {}).within(20, seed=1)
    assert kept.account["left_out"] == {
        "rows": len(ROWS) - 2,
        "tokens": 10 * (len(ROWS) - 2),
        "chapters": 1,
    }
    assert "leaves out 1 chapters whole" in caplog.text


def test_coverage_counts_each_character_once():
    texts = [{"novel": "n", "chapter": c, "span": [100 * c, 100 * c + 50]} for c in (1, 2)]
    rows = [{"novel": "n", "chapter": 1, "learnt": span} for span in ([100, 130], [120, 140])]
    found = coverage(texts, rows)
    assert (found["characters"], found["covered"]) == (100, 40)
    assert [chapter["covered"] for chapter in found["chapters"]] == [40, 0]


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(60, 90)), max_size=6)


@given(spans, st.sets(st.integers(1, 99), min_size=2, max_size=8))
def test_coverage_is_what_counting_characters_finds(learnt, edges):
    places = sorted(edges)
    stretches = list(zip(places[::2], places[1::2], strict=False))
    texts = [{"novel": "n", "chapter": 1, "span": span} for span in stretches]
    rows = [{"novel": "n", "chapter": 1, "learnt": span} for span in learnt]
    characters = {place for span in learnt for place in range(*span)}
    wanted = sum(len(characters & set(range(*span))) for span in stretches)
    assert coverage(texts, rows)["covered"] == wanted


def test_coverage_of_a_long_book_takes_no_memory_for_each_character():
    size, length = 2_000_000, 1000
    texts = [{"novel": "n", "chapter": 1, "span": [0, size]}]
    starts = range(0, size, length)
    rows = [{"novel": "n", "chapter": 1, "learnt": [at, at + length]} for at in starts]
    tracemalloc.start()
    try:
        assert coverage(texts, rows)["covered"] == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size


def test_the_ledger_says_what_the_budget_cost(tiny_model, novel_text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = texts_of(novel_text, 3000)
    settings = {"stage": "pt", "train": {"cutoff_len": 200}}
    whole = TrainingRun(tiny_model, texts, **settings).prepare()
    ledger = read_json(whole / "data/ledger.json")
    tokens = ledger["files"]["train"]["tokens"]
    half = TrainingRun(tiny_model, texts, tokens=tokens // 2, **settings).prepare()
    cut = read_json(half / "data/ledger.json")
    account = cut["files"]["train"]
    assert account["tokens"] + account["left_out"]["tokens"] == tokens
    assert account["tokens"] <= account["budget"] == tokens // 2
    assert account["rows"] == len(list(read_rows(half / "data/train.jsonl")))
    assert 0.4 < cut["coverage"]["covered"] / cut["coverage"]["characters"] < 0.6
    assert cut["files"]["val"] == ledger["files"]["val"], "all of the val chapters is watched"
