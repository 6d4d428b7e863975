"""What each rule from the novel to the dataset wrote when the road was walked once."""

import re
import shutil
from collections import Counter

import pytest
import yaml
from xuxie.files.rows import read_json, read_rows

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


def test_score_by_judge_marks_every_candidate_and_some_negatives(walked):
    shard = walked / NOVEL / "shards/1-of-1"
    marked = {row["id"]: row for row in read_rows(shard / "scored.judge.jsonl")}
    assert set(marked) == {
        row["id"] for row in read_rows(shard / "candidates.jsonl") if "failed" not in row
    }
    negatives = [value for row in marked.values() for value in row["swapped"]]
    assert negatives and max(negatives) < min(row["value"] for row in marked.values())


def test_score_by_likelihood_measures_every_candidate_under_own_and_other_prompts(walked):
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


def test_build_dataset_cuts_whole_chapters_and_places_every_kept_pair_or_says_why_not(
    walked, pairs, text
):
    dataset = walked / "results/datasets/small"
    rows = {
        split: list(read_rows(dataset / f"{split}.jsonl")) for split in ("train", "val", "test")
    }
    by_id = {pair["id"]: pair for pair in pairs}
    chapters = {split: {row["chapter"] for row in split_rows} for split, split_rows in rows.items()}
    assert sum(map(len, chapters.values())) == len(set.union(*chapters.values())) == 8
    every = [row for split_rows in rows.values() for row in split_rows]
    of_pairs = [row for row in every if row["cut_by"] == "loopback"]
    for row in every:
        assert row["output"] == text[slice(*row["completion_span"])] and row["output"].strip()
        assert row["instruction"] == "续写以下小说片段：" and row["system"]
    assert of_pairs and all(
        by_id[row["id"]]["kept"] and row["output"] == by_id[row["id"]]["completion"]
        for row in of_pairs
    )
    assert {row["cut_by"] for row in rows["test"]} == {"structure"}
    ledger = read_json(dataset / "ledger.json")["novels"]["small"]
    assert len(of_pairs) + sum(ledger["rows_dropped"].values()) == sum(
        pair["kept"] for pair in pairs
    )
    assert (
        dict(Counter(row["because"] for row in read_rows(dataset / "unplaced.jsonl")))
        == ledger["rows_dropped"]
    )


def test_build_dataset_registers_rows_and_whole_texts(walked):
    dataset = walked / "results/datasets/small"
    info = read_json(dataset / "dataset_info.json")
    assert list(info) == [
        f"small_{file}" for file in ("train", "val", "test", "train_text", "val_text")
    ]
    for entry in info.values():
        first = next(read_rows(dataset / entry["file_name"]))
        assert set(entry["columns"].values()) <= set(first)
    assert info["small_train"]["columns"]["history"] == "history"


def test_build_dataset_says_where_every_character_of_the_text_went(walked, text):
    ledger = read_json(walked / "results/datasets/small/ledger.json")["novels"]["small"]
    characters = ledger["characters"]
    assert sum(characters["kept"].values()) + sum(characters["dropped"].values()) == len(text)
    assert all(characters["kept"].values())
    assert ledger["coverage"]["share"] >= 0.99
    assert ledger["strip"][0][0] == 0 and ledger["strip"][-1][1] == len(text)
    log = (walked / "logs/build_dataset/small.log").read_text(encoding="utf-8")
    assert f"{100 * ledger['coverage']['share']:.2f} % of the training chapters" in log


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
    assert len(check["sums"]) >= 30 and all(entry["equal"] for entry in check["sums"])


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


def test_a_passage_on_both_sides_stops_the_run_or_costs_its_sentences(copied):
    dataset = copied / "results/datasets/small"
    trained, held_out = (next(read_rows(dataset / f"{split}.jsonl")) for split in ("train", "test"))
    chapters = list(read_rows(copied / NOVEL / "chapters.jsonl"))
    text = (copied / NOVEL / "text.txt").read_text(encoding="utf-8")
    told = held_out["output"].replace("\n", "")
    # As if the novel told the held-out passage a second time, in place of as much of a training chapter.
    start = chapters[trained["chapter"] - 1]["start"]
    text = text[:start] + told + text[start + len(told) :]
    (copied / NOVEL / "text.txt").write_text(text, encoding="utf-8")
    config = yaml.safe_load((copied / "config.yaml").read_text(encoding="utf-8"))
    settings = config["datasets"]["small"] | {"rows": {"cuts": ["structure"]}}
    wanted = ("results/datasets/small/train.jsonl", *BY_TIME, "--forcerun", "build_dataset")

    def build(on_leak: str, check: bool):
        config["datasets"]["small"] = settings | {"split": {"on_leak": on_leak}}
        copied.configure(config)
        allowed = ("--allowed-rules", "build_dataset")
        return copied.snakemake(*wanted, *allowed, check=check)

    stopped = build("stop", check=False)
    assert stopped.returncode != 0
    assert f"small, chapter {trained['chapter']}" in stopped.stdout
    assert f"small, chapter {held_out['chapter']}" in stopped.stdout
    build("drop", check=True)
    left_out = read_json(dataset / "ledger.json")["novels"]["small"]["coverage"]["without"]
    assert left_out["shares a passage with a held-out chapter"] >= len(told)
    assert not any(told[:50] in row["text"] for row in read_rows(dataset / "train_text.jsonl"))


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
