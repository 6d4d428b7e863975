"""What each rule from the novel to the dataset wrote when the road was walked once."""

import re

import pytest
from xuxie.rows import read_json, read_rows

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
    assert all(chapter["title"] not in text[chapter["start"] : chapter["end"]].splitlines()[0] for chapter in chapters)


def test_cut_chunks_are_slices_of_the_text_that_cover_the_chapters(walked, text):
    chunks = list(read_rows(walked / NOVEL / "chunks.jsonl"))
    assert all(text[chunk["start"] : chunk["end"]] == chunk["text"] for chunk in chunks)
    for number, chapter in enumerate(read_rows(walked / NOVEL / "chapters.jsonl"), 1):
        own = [chunk for chunk in chunks if chunk["chapter"] == number]
        assert "".join(chunk["text"] for chunk in own).strip() == text[chapter["start"] : chapter["end"]].strip()


def test_generate_pairs_proposes_adjacent_verbatim_spans_within_a_chunk(walked, text):
    candidates = list(read_rows(walked / NOVEL / "shards/1-of-1/candidates.jsonl"))
    chunks = {chunk["id"]: chunk for chunk in read_rows(walked / NOVEL / "chunks.jsonl")}
    found = [row for row in candidates if "failed" not in row]
    assert len(found) >= 16
    for row in found:
        (start, edge), (same_edge, end) = row["prompt_span"], row["completion_span"]
        assert edge == same_edge and text[start:edge] == row["prompt"] and text[edge:end] == row["completion"]
        assert chunks[row["chunk"]]["start"] <= start < end <= chunks[row["chunk"]]["end"]
        assert 60 <= edge - start <= 250 and 80 <= end - edge <= 250


def test_score_by_judge_marks_every_candidate_and_some_swapped_ones(walked):
    shard = walked / NOVEL / "shards/1-of-1"
    marked = {row["id"]: row for row in read_rows(shard / "scored.judge.jsonl")}
    assert set(marked) == {row["id"] for row in read_rows(shard / "candidates.jsonl") if "failed" not in row}
    swapped = [value for row in marked.values() for value in row["swapped"]]
    assert swapped and max(swapped) < min(row["value"] for row in marked.values())


def test_score_by_likelihood_measures_every_candidate_under_own_and_foreign_prompts(walked):
    walked.snakemake(f"{NOVEL}/shards/1-of-1/scored.likelihood.jsonl")
    shard = walked / NOVEL / "shards/1-of-1"
    rows = list(read_rows(shard / "scored.likelihood.jsonl"))
    assert [row["id"] for row in rows] == [row["id"] for row in read_rows(shard / "candidates.jsonl") if "failed" not in row]
    # A random model expects no text more than another, but it does expect something.
    assert all(abs(row["value"]) < 1 and 3 <= len(row["swapped"]) <= 5 for row in rows)


def test_gather_pairs_gives_every_candidate_a_score_and_a_verdict(walked, pairs):
    summary = read_json(walked / NOVEL / "pairs.json")
    assert summary["candidates"] == len(pairs)
    assert summary["kept"] == sum(pair["kept"] for pair in pairs)
    assert summary["kept"] + sum(summary["dropped"].values()) == len(pairs)
    assert all(pair["kept"] == (pair["dropped_because"] is None) for pair in pairs)
    assert all(pair["score"] >= 5 for pair in pairs if pair["kept"])
    assert summary["calibration"]["judge"]["auc"] == 1.0  # the reader looks the completion up in the passage


def test_build_dataset_places_every_kept_pair_or_says_why_not(walked, pairs):
    dataset = walked / "results/datasets/small"
    rows = {split: list(read_rows(dataset / f"{split}.jsonl")) for split in ("train", "val", "test")}
    by_id = {pair["id"]: pair for pair in pairs}
    chapters = {split: {row["chapter"] for row in split_rows} for split, split_rows in rows.items()}
    assert not chapters["train"] & chapters["test"] and not chapters["train"] & chapters["val"] and not chapters["val"] & chapters["test"]
    for row in (row for split_rows in rows.values() for row in split_rows):
        assert by_id[row["id"]]["kept"] and row["input"] == by_id[row["id"]]["prompt"] and row["output"] == by_id[row["id"]]["completion"]
        assert row["instruction"] == "续写以下小说片段：" and row["system"]
    ledger = read_json(dataset / "ledger.json")["novels"]["small"]
    placed = sum(map(len, rows.values()))
    assert placed + sum(ledger["rows_dropped"].values()) == sum(pair["kept"] for pair in pairs)
    info = read_json(dataset / "dataset_info.json")
    assert {entry["file_name"] for entry in info.values()} == {"train.jsonl", "val.jsonl", "test.jsonl"}
