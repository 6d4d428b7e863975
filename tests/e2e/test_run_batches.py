"""Many novels in batches: what failed is taken up again, what is made is left alone, and all of it merges."""

import contextlib
import json

import pytest
import run_batches
from workspace import Workspace
from xuxie.batches.process import alone
from xuxie.llm import upkeep

BOOKS = ("first", "second", "third")


@pytest.fixture
def library(tmp_path, small_config, novel_text, monkeypatch):
    """A folder with three novels, of which the second is none, and their configuration: a dataset for each, one adapter."""
    config = {
        **small_config,
        "novels": {name: {"path": f"{name}.txt"} for name in BOOKS},
        "datasets": {name: {"novels": [name]} for name in BOOKS},
        "adapters": {"first": {**small_config["adapters"]["small"], "dataset": "first"}},
    }
    Workspace(tmp_path).configure(config)
    part = len(novel_text) // 2
    for name, text in zip(BOOKS, (novel_text, "", novel_text[part:]), strict=True):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, *more: str) -> int:
    """Batches of one novel each, as far as their datasets."""
    arguments = ["batches", "--configfile", "config.yaml", "--size", "1"]
    return run_batches.main([*arguments, *more, "--", "--cores", "2", "--until", "check_ledger"])


def test_a_failed_batch_is_taken_up_again_and_all_merge(library, endpoint, novel_text, capfd):
    assert run(library) == 1
    before = endpoint.answers.copy()
    said = capfd.readouterr()
    assert "batch-0002 is not made" in said.err and "batch-0003: 1 novels" in said.out
    assert "is empty" in (library / "batches/batch-0002/run.log").read_text()
    state = json.loads((library / "batches/batches.json").read_text())
    assert [bool(entry["made"]) for entry in state.values()] == [True, False, True]
    assert run_batches.main(["batches", "--merge", "all"]) == 1
    assert "batch-0002" in capfd.readouterr().err

    (library / "second.txt").write_text(novel_text[: len(novel_text) // 2], encoding="utf-8")
    assert run(library) == 0
    said = capfd.readouterr().out
    assert "batch-0001: made already" in said and "batch-0003: made already" in said
    assert set((endpoint.answers - before).values()) == {1}, (
        "more was asked than the second batch needs"
    )

    assert run_batches.main(["batches", "--merge", "all"]) == 0
    for name in BOOKS:
        assert (library / f"all/results/datasets/{name}/ledger_check.json").exists()
        assert (library / f"all/results/novels/{name}/pairs.jsonl").exists()
    parts = [upkeep.stats(library / f"batches/batch-000{number}/journal") for number in (1, 2, 3)]
    whole = upkeep.stats(library / "all/journal")
    calls = [sum(usage.calls for usage in found.spent.values()) for found in (*parts, whole)]
    assert calls[-1] == sum(calls[:-1]) and not whole.imported
    assert upkeep.verify(library / "all/journal").damaged == []


def test_two_runs_of_the_same_batches_do_not_meet(library, capfd):
    (library / "batches").mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone(library / "batches"))
        assert run(library) == 1
    assert "these batches are being run" in capfd.readouterr().err
