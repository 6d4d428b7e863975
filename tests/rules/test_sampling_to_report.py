"""What each rule from the samples to the report wrote when the road was walked once."""

import pytest
from xuxie.files.rows import read_json, read_rows

ADAPTER = "results/adapters/small"


@pytest.fixture(scope="module")
def samples(walked) -> list[dict]:
    return list(read_rows(walked / ADAPTER / "samples.jsonl"))


@pytest.fixture(scope="module")
def evaluation(walked) -> dict:
    return read_json(walked / ADAPTER / "evaluation.json")


def test_sample_outputs_asks_both_systems_on_held_out_prompts(walked, samples):
    held_out = {row["id"]: row for row in read_rows(walked / "results/datasets/small/test.jsonl")}
    assert len(samples) == 2
    for sample in samples:
        row = held_out[sample["id"]]
        assert sample["reference"] == row["output"] and sample["prompt"]["input"] == row["input"]
        assert list(sample["outputs"]) == ["base", "tuned"]
        for output in sample["outputs"].values():
            assert output["stop"] == ("length" if output["tokens"] == 24 else "natural")
    assert any(
        sample["outputs"]["base"]["text"] != sample["outputs"]["tuned"]["text"]
        for sample in samples
    )


def test_sample_outputs_prints_the_command_to_talk_to_the_tuned_model(walked):
    log = (walked / "logs/sample_outputs/small.log").read_text(encoding="utf-8")
    assert 'make chat CHAT="--adapter small"' in log


def test_evaluate_adapter_measures_both_in_their_better_format(walked, evaluation):
    bits = evaluation["bits_per_character"]
    for side in ("base", "tuned"):
        assert set(bits["formats"][side]) == {"bare", "template"}
        assert bits["format"][side] == min(bits["formats"][side], key=bits["formats"][side].get)
    assert bits["difference"]["value"] == pytest.approx(
        bits["tuned"]["value"] - bits["base"]["value"]
    )
    assert evaluation["judge"] is None
    assert list(evaluation["texts"]["systems"]) == ["human", "base", "tuned"]


def test_examine_metrics_tries_the_novel_s_own_passages(walked, evaluation):
    exam = read_json(walked / "results/datasets/small/exam.json")
    passages = list(read_rows(walked / "results/datasets/small/exam_passages.jsonl"))
    text = (walked / "results/novels/small/text.txt").read_text(encoding="utf-8")
    held_out = {row["chapter"] for row in read_rows(walked / "results/datasets/small/test.jsonl")}
    assert exam["passages"] == len(passages) > 4
    for passage in passages:
        assert passage["context"] + passage["true"] in text and passage["chapter"] in held_out
        loop = passage["corrupted"]["looping"]
        assert loop is None or loop not in text
    loops = exam["metrics"]["seq_rep_4"]["auc"]["looping"]
    assert loops["value"] > 0.9 and loops["passages"] == exam["corruptions"]["looping"]
    # The sample novel is no other novel to itself.
    assert exam["corruptions"]["foreign"] == 0
    # Certificates for one chapter alone are not given.
    assert exam["chapters"] < 3 and exam["metrics"]["seq_rep_4"]["fit"] is None
    assert evaluation["exam"]["metrics"].items() >= exam["metrics"].items()
    bits = evaluation["exam"]["metrics"]["bits"]
    assert {"shuffled", "looping"} <= set(bits["auc"])
    assert evaluation["verdict"] == "unclear"
    # Two samples of 24 tokens.
    assert evaluation["detectability"]["auc"] is None


def test_evaluate_adapter_measures_every_held_out_row(walked, evaluation):
    held_out = list(read_rows(walked / "results/datasets/small/test.jsonl"))
    bits = evaluation["bits_per_character"]
    assert evaluation["rows"] == bits["rows"] == evaluation["held_out_rows"] == len(held_out)
    assert bits["characters"] == sum(len(row["output"]) for row in held_out)
    assert [rung["context"] for rung in bits["ladder"]][-1] == bits["longest_context"]


def test_write_report_shows_the_run(walked, samples):
    page = (walked / "results/report.html").read_text(encoding="utf-8")
    assert page.count('<article class="sample"') == len(samples)
    assert "Content-Security-Policy" in page
    assert all(
        title in page for title in ("结论", "续写样例", "各项指标", "训练过程", "对指标的考试")
    )
