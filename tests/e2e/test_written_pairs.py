"""`pairs.mode: write` from the questions to the audited dataset."""

import pytest
from workspace import Workspace
from xuxie.files.rows import read_json, read_rows

DATASET = "results/datasets/small"
NOVEL = "results/novels/small"
END = "他后来再也没有提起过这件事情。"


@pytest.fixture(scope="module")
def written(tmp_path_factory, small_config, novel_text) -> Workspace:
    """A dataset of pairs whose completions an LLM wrote."""
    config = {**small_config, "pairs": {**small_config["pairs"], "mode": "write"}}
    workspace = Workspace.make(tmp_path_factory.mktemp("written"), config, novel_text)
    workspace.snakemake(f"{DATASET}/ledger_check.json")
    return workspace


@pytest.fixture(scope="module")
def pairs(written) -> list[dict]:
    return list(read_rows(written / NOVEL / "pairs.jsonl"))


def test_pairs_that_an_llm_writes_go_into_the_dataset_and_its_ledger(written, pairs):
    rows = [
        row
        for split in ("train", "val")
        for row in read_rows(written / DATASET / f"{split}.jsonl")
        if row["cut_by"] == "loopback"
    ]
    text = (written / "results/novels/small/text.txt").read_text(encoding="utf-8")
    assert rows and all(row["output"].endswith(END) and row["output"] not in text for row in rows)
    verbatim = {pair["id"]: pair["verbatim"] for pair in pairs}
    assert all(0 < verbatim[row["id"]] < 1 for row in rows)
    ledger = read_json(written / DATASET / "ledger.json")
    cut_by = ledger["novels"]["small"]["rows_cut_by"]
    assert cut_by["train"]["loopback"] + cut_by["val"]["loopback"] == len(rows)
    # What an LLM wrote is no text of the novel: the novel's own is cut into rows beside it.
    assert ledger["novels"]["small"]["coverage"]["share"] >= 0.95
    characters = ledger["novels"]["small"]["characters"]
    assert sum(sum(part.values()) for part in characters.values()) == len(text)


def test_written_pairs_report_how_much_of_them_is_verbatim(written, pairs):
    assert pairs and all(
        0.5 < pair["verbatim"] < 1 and pair["completion"].endswith(END) for pair in pairs
    )
    verbatim = read_json(written / NOVEL / "pairs.json")["verbatim"]
    assert verbatim["pairs"] == len(pairs) and verbatim["wholly"] == 0
    assert verbatim["mean"] == pytest.approx(
        sum(pair["verbatim"] for pair in pairs) / len(pairs), abs=1e-3
    )
