"""The judge of samples and the one who paraphrases, asked through a loopback endpoint, and their worth in the evaluation."""

import json

import pytest
from fault_server import FaultServer
from xuxie.files.rows import read_json, read_rows

ADAPTER = "results/adapters/small"


def prefer_the_novel(body: dict) -> str:
    """A judge that knows the author: he prefers the text with more of the novel's punctuation, which random weights don't write."""
    content = body["messages"][-1]["content"]
    a, b = (content.split(f"<续写{side}>\n")[1].split("\n</续写")[0] for side in "AB")
    marks = [sum(text.count(mark) for mark in "，。“”") for text in (a, b)]
    return json.dumps(
        {"reason": "标点", "better": "tie" if marks[0] == marks[1] else "AB"[marks[1] > marks[0]]},
        ensure_ascii=False,
    )


def judge_or_paraphrase(body: dict) -> str:
    """The judge's answer, or the passage that was sent with every clause turned round."""
    content = body["messages"][-1]["content"]
    if "<片段>" not in content:
        return prefer_the_novel(body)
    passage = content.split("<片段>\n")[1].split("\n</片段>")[0]
    return "，".join(clause[::-1] for clause in passage.split("，"))


@pytest.fixture(scope="module")
def judged(walked, small_config, tmp_path_factory):
    """A copy of the walked road, with a judge and one who paraphrases."""
    workspace = walked.copy(tmp_path_factory.mktemp("judged"))
    with FaultServer(answer=judge_or_paraphrase, model="oracle") as server:
        endpoints = {
            **small_config["endpoints"],
            "oracle": {"base_url": server.base_url, "model": "oracle"},
        }
        workspace.configure(
            {
                **small_config,
                "endpoints": endpoints,
                "evaluation": {
                    **small_config["evaluation"],
                    "judge": "oracle",
                    "paraphraser": "oracle",
                },
            }
        )
        workspace.snakemake()
    return workspace


def test_judge_samples_asks_about_every_pairing_in_both_orders(judged):
    rows = list(read_rows(judged / ADAPTER / "judged.jsonl"))
    samples = len(list(read_rows(judged / ADAPTER / "samples.jsonl")))
    pairings = {tuple(row["systems"]) for row in rows}
    assert {("tuned", "base"), ("tuned", "human"), ("base", "human")} <= pairings
    assert len(rows) == samples * len(pairings)
    assert all((row["preferred"] is None) == (row["unjudged"] is not None) for row in rows)
    assert any(row["preferred"] == ["human", "human"] for row in rows)


def test_the_evaluation_and_the_report_tell_what_the_judge_said(judged):
    judge = read_json(judged / ADAPTER / "evaluation.json")["judge"]
    assert judge["endpoint"] == "oracle" and {
        tuple(pairing["systems"]) for pairing in judge["pairings"]
    } >= {("tuned", "human")}
    assert "评审对战" in (judged / "results/report.html").read_text(encoding="utf-8")


def test_every_metric_is_tried_on_what_an_llm_wrote_again(judged):
    written = list(read_rows(judged / "results/datasets/small/paraphrased.jsonl"))
    passages = list(read_rows(judged / "results/datasets/small/exam_passages.jsonl"))
    assert len(written) == len(passages) and sum(row["text"] is not None for row in written) > 0
    exam = read_json(judged / ADAPTER / "evaluation.json")["exam"]
    usable = sum(row["text"] is not None for row in written)
    assert exam["corruptions"]["paraphrase"] == usable
    assert exam["metrics"]["style_delta"]["auc"]["paraphrase"]["passages"] == usable
    assert "paraphrase" in exam["metrics"]["bits"]["auc"]
    assert "没有请大模型来写" not in (judged / "results/report.html").read_text(encoding="utf-8")
