"""Rows are shortened in the open: from the far end, at a sentence, never in the completion."""

from training_run import TrainingRun, rows_of
from xuxie.files.rows import read_json, read_rows
from xuxie.training.fit import cut_between, fit

ROW = {
    "instruction": "续写：",
    "input": "第一句。第二句比较长一些。第三句！",
    "output": "后文。",
    "history": [["甲问", "甲答"], ["乙问", "乙答"]],
}


def length(row: dict) -> int:
    return len(
        row["instruction"] + row["input"] + row["output"] + "".join(map("".join, row["history"]))
    )


def test_a_row_that_fits_is_left_alone():
    assert fit(ROW, length, length(ROW)) is ROW


def test_the_oldest_turns_go_first():
    fitted = fit(ROW, length, length(ROW) - 1)
    assert fitted["history"] == [["乙问", "乙答"]] and fitted["input"] == ROW["input"]
    assert cut_between(ROW, fitted) == {"turns": 1, "characters": 0}


def test_then_whole_sentences_from_the_far_end():
    without = length({**ROW, "history": []})
    fitted = fit(ROW, length, without - 1)
    assert fitted["input"] == "第二句比较长一些。第三句！" and fitted["history"] == []
    assert fit(ROW, length, without - 5)["input"] == "第三句！"
    assert cut_between(ROW, fit(ROW, length, without - 5)) == {"turns": 2, "characters": 13}


def test_the_last_sentence_and_the_completion_are_never_cut():
    shortest = length({**ROW, "history": [], "input": "第三句！"})
    assert fit(ROW, length, shortest)["output"] == ROW["output"]
    assert fit(ROW, length, shortest - 1) is None


def test_every_cut_is_in_the_ledger(tiny_model, novel_text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = rows_of(novel_text, 8, prompt=20, completion=20) + rows_of(
        novel_text[3000:], 2, prompt=600, completion=20
    )
    rows = [{**row, "id": f"p{number}"} for number, row in enumerate(rows)]
    run = TrainingRun(
        tiny_model, [*rows[:6], *rows[8:], *rows[6:8]], train={"cutoff_len": 320}
    ).prepare()
    account = read_json(run / "data/ledger.json")["files"]["train"]
    assert (
        account["rows"] == 8
        and account["whole"] + len(account["cut"]) + len(account["too_long"]) == 8
    )
    assert set(account["cut"]) == {"p8", "p9"}
    fitted = {row["id"]: row for row in read_rows(run / "data/train.jsonl")}
    for number in (8, 9):
        assert rows[number]["input"].endswith(fitted[f"p{number}"]["input"])
        assert (
            len(rows[number]["input"]) - len(fitted[f"p{number}"]["input"])
            == account["cut"][f"p{number}"]["characters"]
            > 0
        )
    assert run.check()["passed"]
