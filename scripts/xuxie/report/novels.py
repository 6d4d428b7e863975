"""The novels: what they hold, and how their pairs were scored."""

from xuxie.pairs.calibration import TRUSTED_AUC
from xuxie.report import charts
from xuxie.report.figures import figure
from xuxie.report.inputs import Novel


def novel_facts(name: str, novel: Novel, captions: dict) -> dict:
    """What the page tells of a novel: its size, the histogram of its scores and how far each scorer is to be trusted."""
    words = captions["data"]
    scored = [
        {"score": pair["score"], "kept": pair["kept"]}
        for pair in novel.pairs
        if pair["score"] is not None
    ]
    return {
        "name": name,
        "chapters": novel.chapters,
        "characters": sum(chapter["end"] - chapter["start"] for chapter in novel.chapters),
        "text": novel.text,
        "summary": novel.summary,
        "threshold": novel.summary.get("threshold"),
        "scores": charts.histogram(
            scored,
            novel.summary["threshold"],
            {"kept": words["kept_label"], "dropped": words["dropped_label"]},
            x=words["scores_x"],
            y=words["scores_y"],
        )
        if scored
        else None,
        "calibration": [
            {
                "scorer": scorer,
                "auc": figure(found["auc"]),
                "weak": found["auc"] is not None and found["auc"] < TRUSTED_AUC,
                "criteria": ", ".join(
                    f"{name} {figure(value)}" for name, value in found["criteria"].items()
                ),
            }
            for scorer, found in novel.summary.get("calibration", {}).items()
        ],
        "agreement": [
            {
                "one": found["scorers"][0],
                "other": found["scorers"][1],
                "pairs": found["pairs"],
                "spearman": figure(found["spearman"]),
                "kendall": figure(found["kendall"]),
            }
            for found in novel.summary.get("agreement", [])
            if found["spearman"] is not None
        ],
        "verbatim": {"pairs": found["pairs"], "mean": figure(found["mean"], "percent")}
        if (found := novel.summary.get("verbatim"))
        else None,
    }
