"""What the page says of the exam that each metric sat."""

from xuxie.report.figures import METRICS, figure, interval


def is_fit(evaluation: dict, metric: str) -> bool:
    """Whether a metric tells what it is meant for, so that the page may conclude anything from it."""
    certificate = evaluation["exam"]["metrics"].get(metric)
    return bool(certificate and certificate["fit"])


def certificate(evaluation: dict, metric: str, captions: dict) -> dict | None:
    """The line beside a metric: whether it is fit for this novel, and by which figure; None for a metric that claims nothing.

    Returns:
        `badge` (better, worse, or empty), `label`, and `figure` (empty where there is none).
    """
    words = captions["exam"]
    found = evaluation["exam"]["metrics"].get(metric)
    if found is None:
        return None
    if found["fit"] is None:
        return {"badge": "", "label": words["untried"], "figure": ""}
    told = found["auc"][found["worst"]]
    return {
        "badge": "better" if found["fit"] else "worse",
        "label": words["fit" if found["fit"] else "unfit"],
        "figure": words["told"].format(
            corruption=words["corruptions"][found["worst"]],
            auc=figure(told["value"]),
            interval=interval(told),
        ),
    }


def exam_table(evaluation: dict, captions: dict) -> dict:
    """All that was tried: rows of metrics, columns of corruptions, and why a corruption could not be tried."""
    exam, words = evaluation["exam"], captions["exam"]
    metrics = {name: exam["metrics"][name] for name in METRICS if name in exam["metrics"]}
    corruptions = [
        name
        for name in words["corruptions"]
        if any(name in found["auc"] for found in metrics.values())
    ]
    return {
        "help": words["help"].format(
            passages=exam["passages"],
            chapters=exam["chapters"],
            size=f"{exam['characters'] / max(1, exam['passages']):.0f}",
            bound=figure(exam["bound"]),
        ),
        "corruptions": [words["corruptions"][name] for name in corruptions],
        "rows": [
            {
                "name": captions["metrics"]["names"][metric],
                "cells": [
                    {
                        "value": figure(found["auc"][name]["value"]),
                        "interval": interval(found["auc"][name]),
                        "meant": name in found["meant_for"],
                    }
                    if name in found["auc"]
                    else None
                    for name in corruptions
                ],
            }
            for metric, found in metrics.items()
        ],
        "skipped": [
            words["skipped"].format(
                corruption=words["corruptions"][name], reason=words["reasons"][name]
            )
            for name, passages in exam["corruptions"].items()
            if not passages
        ],
    }
