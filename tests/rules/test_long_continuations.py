"""Samples of a target length with a real, tiny model, and what becomes of them by quarter."""

import pytest
import yaml
from xuxie.files.rows import read_json, read_rows

ADAPTER = "results/adapters/small"
TARGET = 900


@pytest.fixture(scope="module")
def long_run(walked, tmp_path_factory):
    sampling = {"target_chars": TARGET, "max_new_tokens": 400, "prompts": 3}
    workspace = configured(
        walked.copy(tmp_path_factory.mktemp("long")),
        sampling={**sampling, "variants": {"no-penalty": {"repetition_penalty": 1}}},
    )
    workspace.snakemake("results/report.html")
    return workspace


def configured(workspace, **sections):
    """The workspace with some keys of its configuration changed."""
    config = yaml.safe_load((workspace / "config.yaml").read_text(encoding="utf-8"))
    workspace.configure(
        {**config, **{key: {**config.get(key, {}), **new} for key, new in sections.items()}}
    )
    return workspace


def test_every_system_and_the_author_write_as_much_as_was_asked_for(long_run):
    text = (long_run / "results/novels/small/text.txt").read_text(encoding="utf-8")
    held_out = {row["id"]: row for row in read_rows(long_run / "results/datasets/small/test.jsonl")}
    samples = list(read_rows(long_run / ADAPTER / "samples.jsonl"))
    assert len(samples) == 3
    for sample in samples:
        start = held_out[sample["id"]]["completion_span"][0]
        assert text[start:].startswith(sample["reference"])
        assert list(sample["outputs"]) == ["base", "base@no-penalty", "tuned", "tuned@no-penalty"]
        assert sample["outputs"]["tuned"]["text"] != sample["outputs"]["tuned@no-penalty"]["text"]
        for output in sample["outputs"].values():
            assert len(output["text"]) >= TARGET or not output["text"].strip()


def test_the_evaluation_follows_them_by_quarter(long_run):
    evaluation = read_json(long_run / ADAPTER / "evaluation.json")
    found = evaluation["decay"]
    assert found["length"] <= TARGET and len(found["quarters"]) == 4
    assert any(system["texts"] for system in found["systems"].values())
    bits = evaluation["bits_per_character"]["by_quarter"]
    assert [quarter["start"] for quarter in bits["tuned"]["quarters"]][0] == 0
    assert bits["length"] == bits["tuned"]["quarters"][-1]["end"]
    # Of one or two chapters nothing can be told.
    assert bits["tuned"]["state"] == "unclear"


def test_each_figure_has_the_values_that_its_samples_were_drawn_with(long_run):
    evaluation = read_json(long_run / ADAPTER / "evaluation.json")
    ways = evaluation["decoding"]
    assert list(ways) == ["base", "base@no-penalty", "tuned", "tuned@no-penalty"]
    assert ways["tuned"]["repetition_penalty"] == 1.1
    assert ways["tuned@no-penalty"] == ways["tuned"] | {"repetition_penalty": 1}
    assert set(ways) < set(evaluation["texts"]["systems"])
    page = (long_run / "results/report.html").read_text(encoding="utf-8")
    assert "no-penalty：只改了 repetition_penalty 1。" in page


def test_the_report_begins_with_it(long_run):
    page = (long_run / "results/report.html").read_text(encoding="utf-8")
    assert page.index('id="decay"') < page.index('id="verdict"')


def test_of_several_drafts_one_is_taken_and_why_is_said(walked, tmp_path_factory):
    workspace = configured(
        walked.copy(tmp_path_factory.mktemp("drafts")),
        sampling={"prompts": 2, "max_new_tokens": 24, "drafts": 2},
    )
    workspace.snakemake(f"{ADAPTER}/samples.jsonl")
    for sample in read_rows(workspace / ADAPTER / "samples.jsonl"):
        for output in sample["outputs"].values():
            assert output["drafts"]["count"] == 2 and "looping" in output["drafts"]["auc"]
            # An untrained model tells nobody from anybody.
            assert output["draft"] == 0 or output["drafts"]["fit"]


def test_choose_decoding_tries_what_is_configured_and_the_grid(walked, tmp_path_factory):
    workspace = configured(
        walked.copy(tmp_path_factory.mktemp("decoding")),
        decoding={"prompts": 2, "grid": [{"repetition_penalty": 1}, {"temperature": 0}]},
    )
    run = workspace.snakemake("choose_decoding")
    found = read_json(workspace / ADAPTER / "decoding.json")
    assert [way["values"] for way in found["ways"]] == [{}, {"repetition_penalty": 1}, {"temperature": 0}]  # fmt: skip
    nearest = min(found["ways"], key=lambda way: way["distance"])
    assert found["nearest"] == nearest["values"] and found["prompts"] == 2
    assert "to the author" in run.stdout and "what is configured" in run.stdout
