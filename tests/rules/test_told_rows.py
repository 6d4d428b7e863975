"""The road with rows that are told of the story: what went before them, and what happens in them."""

import copy

import pytest
from workspace import Workspace
from xuxie.files.rows import read_json, read_rows

DATASET, ADAPTER = "results/datasets/small", "results/adapters/small"


def config_of(small_config: dict, auc: float) -> dict:
    config = copy.deepcopy(small_config)
    config["datasets"]["small"]["rows"] = {
        "state": {"share": 0.5, "summary": True},
        "outlines": {"share": 0.5, "auc": auc, "checked": 6},
    }
    config["sampling"] |= {"outlines": "outlines.txt", "prompts": 2}
    return config


@pytest.fixture(scope="module")
def told_walk(tmp_path_factory, small_config, novel_text) -> Workspace:
    """A folder in which everything was made, whatever the check of the sentences said."""
    folder = tmp_path_factory.mktemp("told")
    workspace = Workspace.make(folder, config_of(small_config, 0), novel_text)
    (folder / "outlines.txt").write_text("两人争了起来。\n\n其中一个走了。\n", encoding="utf-8")
    workspace.snakemake()
    return workspace


def rows_of(workspace: Workspace, split: str) -> list[dict]:
    return list(read_rows(workspace / DATASET / f"{split}.jsonl"))


def test_every_passage_that_is_wanted_is_told_of_or_on_record(told_walk):
    passages = {row["id"]: row for row in read_rows(told_walk / DATASET / "passages.jsonl")}
    sketches = {row["id"]: row for row in read_rows(told_walk / DATASET / "sketches.jsonl")}
    assert sketches.keys() == passages.keys()
    assert {row["kind"] for row in passages.values()} == {"outline", "summary"}
    assert {row["id"] for row in rows_of(told_walk, "test")} <= passages.keys()
    kinds = read_json(told_walk / DATASET / "sketches.json")
    for kind, found in kinds.items():
        own = [sketches[name] for name, row in passages.items() if row["kind"] == kind]
        failed = [row for row in own if "failed" in row]
        assert found["asked"] == len(own) and sum(found["failed"].values()) == len(failed)
        assert all(row["detail"] for row in failed)
        assert found["auc"] is not None and 0 <= found["auc"] <= 1 and found["told"]


def test_rows_are_told_by_their_shares_and_the_ledger_counts_them(told_walk):
    sketches = {
        row["id"]: row.get("sentence") for row in read_rows(told_walk / DATASET / "sketches.jsonl")
    }
    ledger = read_json(told_walk / DATASET / "ledger.json")
    rows = rows_of(told_walk, "train")
    for what in ("state", "outline"):
        told = [row for row in rows if row[what]]
        assert 0 < len(told) < len(rows) and ledger["told"][what]["train"] == len(told)
        assert all(row[what] in row["instruction"].split("\n") for row in told)
    for row in rows:
        assert not row["outline"] or row["outline"] == f"【接下来：{sketches[row['id']]}】"
        assert row["instruction"].count("\n") == bool(row["state"]) + bool(row["outline"])
    assert any("前情：" in row["state"] for row in rows)
    for row in rows_of(told_walk, "test"):
        assert row["instruction"] == "续写以下小说片段：" and row["state"]
    assert all(
        entry["equal"] for entry in read_json(told_walk / DATASET / "ledger_check.json")["sums"]
    )


def test_samples_go_from_outline_to_outline(told_walk):
    samples = list(read_rows(told_walk / ADAPTER / "samples.jsonl"))
    assert len(samples) == 2
    for sample in samples:
        assert sample["prompt"]["outlines"] == [
            "【接下来：两人争了起来。】",
            "【接下来：其中一个走了。】",
        ]
        assert sample["prompt"]["state"]
        for output in sample["outputs"].values():
            assert len(output["turns"]) == 2 or not output["text"].strip()


def test_the_evaluation_reads_passages_with_and_without_what_is_told(told_walk):
    told = read_json(told_walk / ADAPTER / "evaluation.json")["told"]
    test = rows_of(told_walk, "test")
    assert told["state"]["rows"] == len(test)
    assert told["outline"]["rows"] == sum(bool(row["outline"]) for row in test) > 0
    for side in ("base", "tuned"):
        assert set(told["state"][side]["versions"]) == {"without", "with"}
        found = told["outline"][side]
        assert {"without", "with"} <= set(found["versions"])
        without, own = (found["versions"][name]["value"] for name in ("without", "with"))
        assert found["less"]["with"]["value"] == pytest.approx(own - without)


def test_the_report_says_what_rows_are_told(told_walk):
    page = (told_walk / "results/report.html").read_text(encoding="utf-8")
    assert "行里交代的前情与接下来的事" in page


def test_sentences_that_do_not_fit_are_told_to_no_row_and_the_run_goes_on(
    told_walk, small_config, tmp_path_factory
):
    workspace = told_walk.copy(tmp_path_factory.mktemp("off"))
    workspace.configure(config_of(small_config, 1))
    done = workspace.snakemake(f"{DATASET}/ledger_check.json")
    ledger = read_json(workspace / DATASET / "ledger.json")
    assert not any(kind["told"] for kind in ledger["sketches"].values())
    assert ledger["told"]["outline"] == {"train": 0, "val": 0, "test": 0}
    assert "switched off" in done.stdout
    assert not any(
        row["outline"] or "前情：" in row["state"] for row in rows_of(workspace, "train")
    )
    # Nothing was asked again.
    assert "write_sketches" not in done.stdout
