"""Tables of metrics: by system for one adapter, and by adapter for the recipes of a run."""

from xuxie.report.detectability import detectability_sentences
from xuxie.report.exam import certificate, exam_table
from xuxie.report.figures import METRICS, figure, interval
from xuxie.report.inputs import Adapter
from xuxie.sampling.authors import BASE, TUNED


def system_labels(systems: list[str], captions: dict) -> dict[str, str]:
    return {system: captions["systems"].get(system, system) for system in systems}


def metrics_table(evaluation: dict, captions: dict) -> dict:
    """Rows of metrics, columns of systems."""
    systems = evaluation["texts"]["systems"]
    bits = evaluation["bits_per_character"]
    measured = {
        system: {**metrics, "bits": bits[system]} if system in (BASE, TUNED) else metrics
        for system, metrics in systems.items()
    }
    rows = [
        {
            "name": captions["metrics"]["names"][metric],
            "certificate": certificate(evaluation, metric, captions),
            "cells": [
                {
                    "value": figure(metrics[metric]["value"], kind),
                    "interval": interval(metrics[metric], kind),
                }
                if metric in metrics
                else None
                for metrics in measured.values()
            ],
        }
        for metric, kind in METRICS.items()
        if any(metric in metrics for metrics in measured.values())
    ]
    return {
        "systems": list(system_labels(list(systems), captions).items()),
        "rows": rows,
        "exam": exam_table(evaluation, captions),
        "detectability": detectability_sentences(evaluation, captions),
    }


def recipe_row(name: str, adapter: Adapter) -> dict:
    difference = adapter.evaluation["bits_per_character"]["difference"]
    tuned = adapter.evaluation["texts"]["systems"].get(TUNED, {})
    metrics = (
        "natural_stop",
        "foreign_stop",
        "characters",
        "seq_rep_4",
        "copied_30",
        "invented_names",
        "style_delta",
    )
    return {
        "adapter": name,
        "model": adapter.model,
        "dataset": adapter.dataset,
        "verdict": adapter.evaluation["verdict"],
        "difference": figure(difference["value"], signed=True),
        "interval": interval(difference),
        "cells": {
            metric: figure(tuned[metric]["value"], METRICS[metric]) if metric in tuned else "—"
            for metric in metrics
        },
    }
