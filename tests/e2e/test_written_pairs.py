"""`pairs.mode: write` from the questions to the audited dataset."""

from xuxie.files.rows import read_json, read_rows

DATASET = "results/datasets/small"


def test_pairs_that_an_llm_writes_go_into_the_dataset_and_its_ledger(new_workspace, small_config):
    new_workspace.configure({**small_config, "pairs": {**small_config["pairs"], "mode": "write"}})
    new_workspace.snakemake(f"{DATASET}/ledger_check.json")
    rows = [
        row
        for split in ("train", "val", "test")
        for row in read_rows(new_workspace / DATASET / f"{split}.jsonl")
    ]
    text = (new_workspace / "results/novels/small/text.txt").read_text(encoding="utf-8")
    assert rows and all(
        row["output"].endswith("他后来再也没有提起过这件事情。") and row["output"] not in text
        for row in rows
    )
    pairs = {
        pair["id"]: pair for pair in read_rows(new_workspace / "results/novels/small/pairs.jsonl")
    }
    assert all(0 < pairs[row["id"]]["verbatim"] < 1 for row in rows)
    ledger = read_json(new_workspace / DATASET / "ledger.json")
    assert sum(ledger["rows"].values()) == len(rows)
    characters = ledger["novels"]["small"]["characters"]
    assert sum(sum(part.values()) for part in characters.values()) == len(text)
