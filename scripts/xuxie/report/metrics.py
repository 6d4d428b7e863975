"""Tables of metrics: by system for one adapter, and by adapter for the recipes of a run."""

from xuxie.report.detectability import detectability_sentences
from xuxie.report.exam import certificate, exam_table
from xuxie.report.figures import METRICS, figure, interval
from xuxie.report.inputs import Adapter
from xuxie.sampling.authors import BASE, TUNED, parted


def system_labels(systems: list[str], captions: dict) -> dict[str, str]:
    """What the page calls each system."""
    return {name: system_label(name, captions) for name in systems}


def system_label(name: str, captions: dict) -> str:
    """A system's name as the page calls it; that of a variant with the variant's."""
    system, variant = parted(name)
    label = captions["systems"].get(system, system)
    return f"{label} · {variant}" if variant else label


def drawn(evaluation: dict, captions: dict) -> list[str]:
    """A sentence for each way in which samples were drawn, with its values."""
    words, ways = captions["metrics"]["drawn"], evaluation["decoding"]
    own: dict = next((values for name, values in ways.items() if not parted(name)[1]), {})
    found = {}
    for name, values in ways.items():
        variant = parted(name)[1]
        shown = values if not variant else {k: v for k, v in values.items() if own.get(k) != v}
        listed = ", ".join(f"{key} {_shown(value)}" for key, value in shown.items())
        found[variant] = words["other" if variant else "own"].format(name=variant, values=listed)
    return list(found.values())


def _shown(value) -> str:
    return "+".join(map(str, value)) or "—" if isinstance(value, list | tuple) else str(value)


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
        "drawn": drawn(evaluation, captions),
        "exam": exam_table(evaluation, captions),
        "detectability": detectability_sentences(evaluation, captions),
    }


def recipe_row(name: str, adapter: Adapter) -> dict:
    """An adapter's line in the table of recipes."""
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
