"""Answers are paid for once: which changes ask again, and how much."""

import copy
import json
import re
from collections.abc import Callable

import pytest
from roles import PAIR
from workspace import Workspace
from xuxie.files.rows import read_json, read_rows

PAIRS = "results/novels/small/pairs.jsonl"
ROWS = "results/datasets/small/train.jsonl"


@pytest.fixture
def asked(endpoint) -> Callable[[], list[str]]:
    """A function that says what the endpoint was asked since it was called last."""
    seen = len(endpoint.bodies)

    def new() -> list[str]:
        nonlocal seen
        bodies, seen = endpoint.bodies[seen:], len(endpoint.bodies)
        return [body["messages"][1]["content"] for body in bodies]

    return new


@pytest.fixture
def paid(walked_copy) -> Workspace:
    """A workspace in which everything was asked and made."""
    return walked_copy


def changed(config: dict, **sections: dict) -> dict:
    config = copy.deepcopy(config)
    for section, values in sections.items():
        config[section] = {**config.get(section, {}), **values}
    return config


def test_other_shards_thresholds_splits_and_training_ask_nothing(paid, small_config, asked):
    before = {pair["id"]: pair for pair in read_rows(paid / PAIRS)}
    paid.configure(
        changed(
            small_config,
            pairs={"shard_bytes": 10_000, "threshold": 9.5, "max_overlap": 0.1},
            datasets={
                "small": {"novels": ["small"], "split": {"val": 0.2, "test": 0.2, "seed": 5}}
            },
            adapters={
                "small": {"dataset": "small", "model": "tiny", "train": {"num_train_epochs": 5}}
            },
        )
    )
    done = paid.snakemake(PAIRS)
    assert (
        "of-1/" not in done.stdout and "generate_pairs" in done.stdout
    )  # the shards are others, and have been made
    after = {pair["id"]: pair for pair in read_rows(paid / PAIRS)}
    assert asked() == []
    assert {
        name: (pair["prompt_span"], pair["completion_span"], pair["score"])
        for name, pair in after.items()
    } == {
        name: (pair["prompt_span"], pair["completion_span"], pair["score"])
        for name, pair in before.items()
    }
    assert {name for name, pair in after.items() if pair["kept"]} < {
        name for name, pair in before.items() if pair["kept"]
    }


def test_an_edited_chapter_asks_about_its_own_chunks_only(paid, small_config, asked):
    # Without calibration, for which a chapter's chunks lend each other passages.
    judge = {**small_config["scorers"]["judge"], "calibration": 0}
    paid.configure(
        changed(small_config, pairs={"chunks_per_chapter": None}, scorers={"judge": judge})
    )
    paid.snakemake(PAIRS)
    asked()
    before = {chunk["text"] for chunk in read_rows(paid / "results/novels/small/chunks.jsonl")}
    novel = (paid / "small.txt").read_text(encoding="utf-8")
    chapter = novel.index("第五章")
    place = novel.index("。", chapter + 200) + 1
    (paid / "small.txt").write_text(
        f"{novel[:place]}这一句是后来添上的。{novel[place:]}", encoding="utf-8"
    )
    paid.snakemake(PAIRS)
    chunks = list(read_rows(paid / "results/novels/small/chunks.jsonl"))
    edited = [chunk["text"] for chunk in chunks if chunk["text"] not in before]
    assert (
        1 <= len(edited) < 6
        and len({chunk["chapter"] for chunk in chunks if chunk["text"] in edited}) == 1
    )
    new = asked()
    generating = [question for question in new if "[1] " in question]
    assert 0 < len(generating) <= len(edited) and len(new) <= 3 * len(edited)
    assert all(any(dense(text) in dense(question) for text in edited) for question in generating)
    pairs = [PAIR.search(question).groups() for question in new if question not in generating]
    assert all(any(dense("".join(pair)) in dense(text) for text in edited) for pair in pairs)


def dense(text: str) -> str:
    """A text without white space and sentence numbers."""
    return re.sub(r"\[\d+\]|\s", "", text)


def test_the_figures_are_those_of_the_journal_in_every_rerun(paid):
    first = read_json(paid / "results/novels/small/pairs.json")["usage"]
    journal = [
        json.loads(line)
        for path in (paid / "journal").glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    calls = [entry["usage"] for entry in journal if "reply" in entry]
    assert sum(usage["calls"] for usage in first.values()) == len(calls)
    assert sum(usage["input"] for usage in first.values()) == sum(input for input, _, _ in calls)
    paid.snakemake(PAIRS, "--forceall")
    assert read_json(paid / "results/novels/small/pairs.json")["usage"] == first
    ledger = read_json(paid / "results/datasets/small/ledger.json")
    assert ledger["novels"]["small"]["pairs"]["usage"] == first


def test_a_spent_budget_stops_before_it_is_crossed_and_goes_on_when_it_is_raised(
    new_workspace, small_config, asked
):
    new_workspace.configure(changed(small_config, llm={"budget": {"tokens": 20_000}}))
    done = new_workspace.snakemake(PAIRS, check=False)
    assert done.returncode != 0 and "the budget of 20000 tokens would be crossed" in done.stdout
    first = asked()
    assert first
    new_workspace.configure(changed(small_config, llm={"budget": {"tokens": 10_000_000}}))
    new_workspace.snakemake(PAIRS)
    second = asked()
    assert second and not set(first) & set(second)


def test_offline_rebuilds_from_the_journal_and_names_what_is_missing(
    paid, small_config, asked, monkeypatch
):
    monkeypatch.delenv("LOOPBACK_API_KEY")
    paid.configure(changed(small_config, llm={"offline": True}))
    before = (paid / PAIRS).read_bytes()
    paid.snakemake(PAIRS, "--forceall")
    assert (paid / PAIRS).read_bytes() == before and asked() == []
    paid.configure(changed(small_config, llm={"offline": True}, pairs={"per_chunk": 3}))
    done = paid.snakemake(PAIRS, check=False)
    assert done.returncode != 0 and "no answer for small-c0" in done.stdout and asked() == []


def test_an_estimate_asks_nothing_and_is_near_what_it_took(paid, small_config, asked):
    done = paid.snakemake("estimate")
    assert asked() == []
    table = {
        cells[1]: cells
        for line in done.stdout.splitlines()
        if len(cells := line.split()) == 8 and cells[0] == "small"
    }
    usage = read_json(paid / "results/novels/small/pairs.json")["usage"]
    assert set(table) == {"generator", "judge"}
    for role, (_, _, endpoint, calls, *_) in table.items():
        assert endpoint == "loopback" and int(calls) == pytest.approx(
            usage[role]["calls"], rel=0.25
        )
    assert int(table["generator"][3]) == usage["generator"]["calls"]
