"""What each rule from the novel to the dataset wrote when the road was walked once."""

import re
import shutil
from collections import Counter

import pytest
import yaml
from xuxie.files.rows import read_json, read_rows, write_rows

NOVEL = "results/novels/small"


@pytest.fixture(scope="module")
def text(walked) -> str:
    return (walked / NOVEL / "text.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pairs(walked) -> list[dict]:
    return list(read_rows(walked / NOVEL / "pairs.jsonl"))


def test_normalise_text_keeps_every_character_of_clean_prose(walked, text):
    source = (walked / "small.txt").read_text(encoding="utf-8")
    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", source)
    assert not text.startswith("\ufeff") and "\r" not in text


def test_find_chapters_finds_the_titled_chapters_in_order(walked, text):
    chapters = list(read_rows(walked / NOVEL / "chapters.jsonl"))
    assert [chapter["number"] for chapter in chapters] == list(range(1, 9))
    assert chapters[0]["title"] == "话比猪贵"
    assert all(
        chapter["title"] not in text[chapter["start"] : chapter["end"]].splitlines()[0]
        for chapter in chapters
    )


def test_cut_chunks_are_slices_of_the_text_that_cover_the_chapters(walked, text):
    chunks = list(read_rows(walked / NOVEL / "chunks.jsonl"))
    assert chunks and all(text[chunk["start"] : chunk["end"]] == chunk["text"] for chunk in chunks)
    for number, chapter in enumerate(read_rows(walked / NOVEL / "chapters.jsonl"), 1):
        own = [chunk for chunk in chunks if chunk["chapter"] == number]
        assert (
            "".join(chunk["text"] for chunk in own).strip()
            == text[chapter["start"] : chapter["end"]].strip()
        )


def test_generate_pairs_proposes_adjacent_verbatim_spans_within_a_chunk(walked, text):
    candidates = list(read_rows(walked / NOVEL / "shards/1-of-1/candidates.jsonl"))
    chunks = {chunk["id"]: chunk for chunk in read_rows(walked / NOVEL / "chunks.jsonl")}
    found = [row for row in candidates if "failed" not in row]
    assert len(found) >= 16
    for row in found:
        (start, edge), (same_edge, end) = row["prompt_span"], row["completion_span"]
        assert (
            edge == same_edge
            and text[start:edge] == row["prompt"]
            and text[edge:end] == row["completion"]
        )
        assert chunks[row["chunk"]]["start"] <= start < end <= chunks[row["chunk"]]["end"]
        assert 60 <= edge - start <= 250 and 80 <= end - edge <= 250


def test_score_by_judge_marks_every_candidate_and_some_swapped_ones(walked):
    shard = walked / NOVEL / "shards/1-of-1"
    marked = {row["id"]: row for row in read_rows(shard / "scored.judge.jsonl")}
    assert set(marked) == {
        row["id"] for row in read_rows(shard / "candidates.jsonl") if "failed" not in row
    }
    swapped = [value for row in marked.values() for value in row["swapped"]]
    assert swapped and max(swapped) < min(row["value"] for row in marked.values())


def test_score_by_likelihood_measures_every_candidate_under_own_and_foreign_prompts(walked):
    walked.snakemake(f"{NOVEL}/shards/1-of-1/scored.likelihood.jsonl")
    shard = walked / NOVEL / "shards/1-of-1"
    rows = list(read_rows(shard / "scored.likelihood.jsonl"))
    assert [row["id"] for row in rows] == [
        row["id"] for row in read_rows(shard / "candidates.jsonl") if "failed" not in row
    ]
    # A random model expects no text more than another, but it does expect something.
    assert rows and all(0 < abs(row["value"]) < 20 and len(row["swapped"]) == 8 for row in rows)


def test_gather_pairs_gives_every_candidate_a_score_and_a_verdict(walked, pairs):
    summary = read_json(walked / NOVEL / "pairs.json")
    assert summary["candidates"] == len(pairs)
    assert summary["kept"] == sum(pair["kept"] for pair in pairs)
    assert summary["kept"] + sum(summary["dropped"].values()) == len(pairs)
    assert all(pair["kept"] == (pair["dropped_because"] is None) for pair in pairs)
    kept = [pair["score"] for pair in pairs if pair["kept"]]
    assert kept and min(kept) >= 5
    assert (
        summary["calibration"]["judge"]["auc"] == 1.0
    )  # the reader looks the completion up in the passage
    assert summary["agreement"] == []  # of one scorer
    assert all(
        summary["usage"][role]["calls"] > 0 and summary["usage"][role]["input"] > 0
        for role in ("generator", "judge")
    )


def test_build_dataset_places_every_kept_pair_or_says_why_not(walked, pairs):
    dataset = walked / "results/datasets/small"
    rows = {
        split: list(read_rows(dataset / f"{split}.jsonl")) for split in ("train", "val", "test")
    }
    by_id = {pair["id"]: pair for pair in pairs}
    chapters = {split: {row["chapter"] for row in split_rows} for split, split_rows in rows.items()}
    assert (
        not chapters["train"] & chapters["test"]
        and not chapters["train"] & chapters["val"]
        and not chapters["val"] & chapters["test"]
    )
    for row in (row for split_rows in rows.values() for row in split_rows):
        assert (
            by_id[row["id"]]["kept"]
            and row["input"] == by_id[row["id"]]["prompt"]
            and row["output"] == by_id[row["id"]]["completion"]
        )
        assert row["instruction"] == "续写以下小说片段：" and row["system"]
    ledger = read_json(dataset / "ledger.json")["novels"]["small"]
    placed = sum(map(len, rows.values()))
    assert placed + sum(ledger["rows_dropped"].values()) == sum(pair["kept"] for pair in pairs)
    assert (
        dict(Counter(row["because"] for row in read_rows(dataset / "unplaced.jsonl")))
        == ledger["rows_dropped"]
    )
    info = read_json(dataset / "dataset_info.json")
    assert {entry["file_name"] for entry in info.values()} == {
        "train.jsonl",
        "val.jsonl",
        "test.jsonl",
    }
    assert all(entry["columns"]["history"] == "history" for entry in info.values())


def test_build_dataset_says_where_every_character_of_the_text_went(walked, text):
    characters = read_json(walked / "results/datasets/small/ledger.json")["novels"]["small"][
        "characters"
    ]
    assert sum(characters["kept"].values()) + sum(characters["dropped"].values()) == len(text)
    assert all(characters["kept"].values())
    # Two chunks of each chapter are asked about.
    assert characters["dropped"]["not asked about: beyond chunks_per_chapter"] > 0


def test_build_dataset_proves_that_no_passage_is_on_both_sides(walked):
    log = (walked / "logs/build_dataset/small.log").read_text(encoding="utf-8")
    trained, held_out, shared = map(
        int,
        re.search(
            r"passages of 50 characters: (\d+) trained on, (\d+) held out, (\d+) shared", log
        ).groups(),
    )
    assert trained > 1000 and held_out > 1000 and shared == 0


def test_check_ledger_adds_up_every_sum(walked):
    check = read_json(walked / "results/datasets/small/ledger_check.json")
    assert len(check["sums"]) >= 25 and all(entry["equal"] for entry in check["sums"])


@pytest.fixture
def copied(walked, new_workspace):
    shutil.copytree(walked.folder, new_workspace.folder, dirs_exist_ok=True, symlinks=True)
    return new_workspace


# The copy lies deeper in the file system than the original, and so names the workflow's own files otherwise.
BY_TIME = ("--rerun-triggers", "mtime")


def test_check_ledger_fails_the_run_on_a_row_that_is_gone(copied):
    test = copied / "results/datasets/small/test.jsonl"
    test.write_text(
        "".join(test.read_text(encoding="utf-8").splitlines(keepends=True)[1:]), encoding="utf-8"
    )
    done = copied.snakemake("results/datasets/small/ledger_check.json", *BY_TIME, check=False)
    assert done.returncode != 0 and "sums differ" in done.stdout and "rows by split" in done.stdout


def test_a_passage_on_both_sides_stops_the_run_or_costs_the_training_row(copied):
    text = (copied / NOVEL / "text.txt").read_text(encoding="utf-8")
    rows = {
        split: list(read_rows(copied / f"results/datasets/small/{split}.jsonl"))
        for split in ("train", "test")
    }
    trained, held_out = rows["train"][0], rows["test"][0]
    pairs = list(read_rows(copied / NOVEL / "pairs.jsonl"))
    for pair in pairs:
        if pair["id"] == trained["id"]:
            # As if the novel told the held-out passage a second time.
            pair["completion"] = text[held_out["span"][0] : held_out["span"][1]]
    write_rows(copied / NOVEL / "pairs.jsonl", pairs)
    stopped = copied.snakemake("results/datasets/small/train.jsonl", *BY_TIME, check=False)
    assert (
        stopped.returncode != 0
        and trained["id"] in stopped.stdout
        and held_out["id"] in stopped.stdout
    )
    config = yaml.safe_load((copied / "config.yaml").read_text(encoding="utf-8"))
    config["datasets"]["small"]["split"] = {"on_leak": "drop"}
    copied.configure(config)
    copied.snakemake("results/datasets/small/ledger_check.json", *BY_TIME)
    assert trained["id"] not in {
        row["id"] for row in read_rows(copied / "results/datasets/small/train.jsonl")
    }
    assert (
        read_json(copied / "results/datasets/small/ledger.json")["novels"]["small"]["rows_dropped"][
            "shares a passage with a held-out row"
        ]
        == 1
    )


def test_line_ends_that_are_kept_leave_every_span_in_its_place(new_workspace, small_config):
    novel = new_workspace / "small.txt"
    novel.write_bytes(novel.read_bytes().replace(b"\n", b"\r\n"))
    settings = small_config["novels"]["small"]
    new_workspace.configure(
        {**small_config, "novels": {"small": {**settings, "normalise": {"line_endings": False}}}}
    )
    new_workspace.snakemake(f"{NOVEL}/chunks.jsonl")
    text = (new_workspace / NOVEL / "text.txt").read_bytes().decode("utf-8")
    chunks = list(read_rows(new_workspace / NOVEL / "chunks.jsonl"))
    assert "\r\n" in text and len(chunks) > 8
    assert all(text[chunk["start"] : chunk["end"]] == chunk["text"] for chunk in chunks)
