"""A dataset needs no LLM: structure alone cuts the whole of the training chapters into rows."""

import pytest
from workspace import Workspace, jobs
from xuxie.files.rows import read_json, read_rows

DATASET = "results/datasets/small"


@pytest.fixture(scope="module")
def without_llm(tmp_path_factory, small_config, novel_text) -> Workspace:
    """A dataset made with `pairs.generator: null`, no endpoint being named at all."""
    config = {
        key: part for key, part in small_config.items() if key not in ("endpoints", "scorers")
    }
    config["pairs"] = {"generator": None}
    workspace = Workspace.make(tmp_path_factory.mktemp("alone"), config, novel_text)
    workspace.snakemake(f"{DATASET}/ledger_check.json")
    return workspace


def test_no_job_of_the_two_roles_is_planned(without_llm):
    planned = jobs(without_llm.plan().stdout)
    assert {"train_adapter", "evaluate_adapter", "write_report"} <= set(planned)
    assert not {name for name in planned if "pairs" in name or "score" in name or "chunks" in name}


def test_every_character_of_the_training_chapters_carries_loss(without_llm):
    found = read_json(without_llm / DATASET / "ledger.json")["novels"]["small"]
    assert found["coverage"]["share"] == 1 and found["pairs"] == {}
    rows = list(read_rows(without_llm / DATASET / "train.jsonl"))
    assert rows and {row["cut_by"] for row in rows} == {"structure"}
    assert sum(len(row["output"]) for row in rows) == found["coverage"]["characters"]
