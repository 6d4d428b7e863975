"""How far a continuation holds: the curve of each metric by quarter, and what it says of the tuned model."""

from xuxie.evaluation.quarters import BREAKS, HOLDS
from xuxie.report import charts
from xuxie.report.exam import is_fit
from xuxie.report.figures import figure, interval
from xuxie.report.metrics import drawn, system_labels
from xuxie.sampling.authors import BASE, HUMAN, TUNED

KINDS = {
    "bits": "decimal",
    "seq_rep_4": "percent",
    "repeats_before": "percent",
    "distinct_2": "percent",
    "invented_names": "decimal",
    "detectability": "decimal",
    "preferred": "percent",
}
"""The metrics that are followed, in the report's order, and the kind of number each is."""

_CERTIFICATES = {"repeats_before": "seq_rep_4"}
"""A metric that is the same count in another place has the other's certificate."""


def decay_curves(evaluation: dict, captions: dict) -> dict:
    """Sentences, charts and table of one adapter."""
    words, followed = captions["decay"], _followed(evaluation)
    return {
        "drawn": drawn(evaluation, captions),
        "sentences": _sentences(followed, evaluation, words),
        "charts": [
            {
                "svg": charts.by_position(
                    _stretches(systems),
                    system_labels(list(systems), captions),
                    x=words["x"],
                    y=words["names"][metric],
                    percent=KINDS[metric] == "percent",
                ),
                "help": words["help"][metric],
            }
            for metric, systems in followed.items()
        ],
        "rows": [
            {
                "metric": words["names"][metric],
                "system": label,
                "known": system if system in (HUMAN, BASE, TUNED) else "other",
                "cells": [
                    {
                        "value": figure(quarter["value"], KINDS[metric]),
                        "interval": interval(quarter, KINDS[metric]),
                    }
                    for quarter in curve["quarters"]
                ],
                "change": _change(curve),
                "state": curve.get("state"),
            }
            for metric, systems in followed.items()
            for system, label in system_labels(list(systems), captions).items()
            for curve in [systems[system]]
        ],
    }


def _followed(evaluation: dict) -> dict[str, dict[str, dict]]:
    """The curves, by metric and system."""
    bits, texts = evaluation["bits_per_character"]["by_quarter"], evaluation["decay"]
    found: dict[str, dict[str, dict]] = {}
    if bits:
        found["bits"] = {name: bits[name] for name in (BASE, TUNED)}
    for name, measured in texts["systems"].items() if texts else ():
        for metric, curve in measured["metrics"].items():
            found.setdefault(metric, {})[name] = curve
    return {metric: found[metric] for metric in KINDS if metric in found}


def _sentences(followed: dict[str, dict[str, dict]], evaluation: dict, words: dict) -> list[str]:
    """What holds, what breaks and what cannot be told of the tuned model, by those metrics that may speak."""
    texts = evaluation["decay"]
    breaks, holds, unclear = [], [], []
    length = 0
    for metric, systems in followed.items():
        curve = systems.get(TUNED)
        if curve is None or "state" not in curve or not _may_speak(metric, evaluation):
            continue
        name, last = words["names"][metric], curve["quarters"][-1]
        length = max(length, last["end"])
        if curve["breaks_at"] is not None:
            broken = next(q for q in curve["quarters"][1:] if q["state"] == BREAKS)
            breaks.append(
                words["breaks_from"].format(
                    metric=name,
                    start=f"{curve['breaks_at']:,}",
                    then=figure(broken["value"], KINDS[metric]),
                    first=figure(curve["quarters"][0]["value"], KINDS[metric]),
                )
            )
        elif curve["state"] == HOLDS:
            holds.append(words["holds_to"].format(metric=name, end=f"{last['end']:,}"))
        else:
            unclear.append(
                words["so_far"].format(metric=name, end=f"{curve['holds_to']:,}")
                if curve["holds_to"] > curve["quarters"][0]["end"]
                else name
            )
    counts = [evaluation["bits_per_character"]["by_quarter"]] if "bits" in followed else []
    counts += [texts["systems"][TUNED]] if texts and TUNED in texts["systems"] else []
    count = "–".join(str(n) for n in sorted({found["texts"] for found in counts})) or "0"
    found = []
    if holds and not breaks and not unclear:
        found.append(words["all_hold"].format(length=f"{length:,}"))
    for kind, metrics in (("breaks", breaks), ("holds", holds), ("unclear", unclear)):
        if metrics:
            found.append(words[kind].format(metrics=words["comma"].join(metrics), texts=count))
    if not texts:
        found.append(words["too_short"])
    elif not texts["systems"].get(TUNED, {}).get("texts"):
        found.append(words["none_so_long"].format(length=f"{texts['length']:,}"))
    return found


def _may_speak(metric: str, evaluation: dict) -> bool:
    if metric == "detectability":
        return True  # an AUC is its own exam
    if metric == "preferred":
        return bool(evaluation["judge"] and evaluation["judge"]["trusted"])
    return is_fit(evaluation, _CERTIFICATES.get(metric, metric))


def _stretches(systems: dict[str, dict]) -> list[dict]:
    first = next(iter(systems.values()))
    return [
        {
            "start": quarter["start"],
            "end": quarter["end"],
            "values": {name: curve["quarters"][number] for name, curve in systems.items()},
        }
        for number, quarter in enumerate(first["quarters"])
    ]


def _change(curve: dict) -> dict | None:
    change = curve["quarters"][-1].get("change")
    if not change:
        return None
    return {
        "value": figure(change["value"], "percent", signed=True),
        "interval": interval(change, "percent"),
    }
