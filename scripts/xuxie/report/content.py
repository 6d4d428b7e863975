"""What stands on the page: from the files of a run to the values that the template shows."""

from dataclasses import dataclass

from xuxie.evaluation.preference import CORRUPTED, NEGATIVE
from xuxie.pairs.calibration import TRUSTED_AUC
from xuxie.report import charts
from xuxie.report.coverage import strips
from xuxie.report.detectability import detectability_sentences
from xuxie.report.exam import certificate, exam_table, is_fit
from xuxie.report.figures import METRICS, figure, interval
from xuxie.report.highlights import output_spans, segments
from xuxie.report.verdict import verdict_sentences
from xuxie.sampling.authors import BASE, HUMAN, TUNED


@dataclass(frozen=True)
class Novel:
    """Files of one novel: chapters.jsonl, pairs.jsonl, pairs.json and text.json."""

    chapters: list[dict]
    pairs: list[dict]
    summary: dict
    text: dict


@dataclass(frozen=True)
class Adapter:
    """Files of one adapter."""

    dataset: str
    model: str
    samples: list[dict]
    evaluation: dict
    trainer_log: list[dict]
    gates: dict
    manifest: dict


def page_content(
    novels: dict[str, Novel],
    ledgers: dict[str, dict],
    adapters: dict[str, Adapter],
    config: dict,
    captions: dict,
    votes: dict | None = None,
) -> dict:
    """Everything that the template names, ready to be shown.

    Args:
        votes: what `xuxie.blind.votes.count_votes` gave; None where nobody has read the blind page.
    """
    return {
        "title": config["report"]["title"] or "、".join(novels),
        "verdicts": [
            {
                "verdict": adapter.evaluation["verdict"],
                "sentences": verdict_sentences(name, adapter.evaluation, captions),
                "tiles": _tiles(adapter.evaluation, captions),
            }
            for name, adapter in adapters.items()
        ],
        "samples": _cards(adapters, novels, captions),
        "contexts": [
            {"adapter": name, **_contexts(adapter.evaluation, captions)}
            for name, adapter in adapters.items()
        ],
        "positions": [
            {"adapter": name, **_positions(adapter.evaluation, captions)}
            for name, adapter in adapters.items()
        ],
        "tables": [
            {"adapter": name, **_table(adapter.evaluation, captions)}
            for name, adapter in adapters.items()
        ],
        "recipes": [_recipe(name, adapter) for name, adapter in adapters.items()]
        if len(adapters) > 1
        else [],
        "readers": votes and _readers(votes, captions),
        "judges": [
            {"adapter": name, **judged}
            for name, adapter in adapters.items()
            if (judged := _judge(adapter.evaluation["judge"], captions))
        ],
        "costs": _costs(novels, adapters),
        "novels": [_novel(name, novel, captions) for name, novel in novels.items()],
        "datasets": [
            {"name": name, "strips": strips(ledger), **_ledger(ledger)}
            for name, ledger in ledgers.items()
        ],
        "trainings": [
            {
                "adapter": name,
                "curve": charts.loss_curve(
                    adapter.trainer_log,
                    captions["training"],
                    x=captions["training"]["x"],
                    y=captions["training"]["y"],
                ),
                "gates": adapter.gates,
                "manifest": adapter.manifest,
            }
            for name, adapter in adapters.items()
        ],
        "config": config,
    }


def _labels(systems: list[str], captions: dict) -> dict[str, str]:
    return {system: captions["systems"].get(system, system) for system in systems}


def _tiles(evaluation: dict, captions: dict) -> list[dict]:
    """The few numbers that a glance should catch."""
    words, bits, systems = (
        captions["tiles"],
        evaluation["bits_per_character"],
        evaluation["texts"]["systems"],
    )
    tiles = [
        {
            "label": words["bits"],
            "value": figure(bits[TUNED]["value"]),
            "beside": words["against"].format(base=figure(bits[BASE]["value"])),
        }
    ]
    for label, metric in (
        ("repetition", "seq_rep_4"),
        ("copied", "copied_30"),
        ("names", "invented_names"),
    ):
        tuned = systems.get(TUNED, {}).get(metric)
        if not tuned or not is_fit(evaluation, metric):
            continue
        kind = METRICS[metric]
        beside = []
        if metric in systems[HUMAN]:
            beside.append(
                words["author"].format(human=figure(systems[HUMAN][metric]["value"], kind))
            )
        if metric in systems.get(BASE, {}):
            beside.append(
                words["against"].format(base=figure(systems[BASE][metric]["value"], kind))
            )
        tiles.append(
            {
                "label": words[label],
                "value": figure(tuned["value"], kind),
                "beside": " · ".join(beside),
            }
        )
    return tiles


def _cards(adapters: dict[str, Adapter], novels: dict[str, Novel], captions: dict) -> list[dict]:
    """One card for each prompt; with several adapters, all that continued it stand on the same card."""
    cards: dict[tuple, dict] = {}
    for name, adapter in adapters.items():
        for sample in adapter.samples:
            card = cards.setdefault(
                (sample["id"], sample["prompt"]["input"]), _card(sample, adapter, novels, captions)
            )
            for system, output in sample["outputs"].items():
                label = _system_label(
                    system, name, adapter, alone=len(adapters) == 1, captions=captions
                )
                if label not in (column["label"] for column in card["columns"]):
                    found = adapter.evaluation["texts"]["rows"][sample["id"]][system]
                    card["columns"].append(_column(label, system, output["text"], found, output))
    for card in cards.values():
        card["stops"] = sorted({column["stop"] for column in card["columns"] if column["stop"]})
        card["highlighted"] = any(
            column["highlighted"] for column in card["columns"] if column["system"] != HUMAN
        )
    return list(cards.values())


def _card(sample: dict, adapter: Adapter, novels: dict[str, Novel], captions: dict) -> dict:
    chapters = novels[sample["novel"]].chapters if sample["novel"] in novels else []
    title = (
        chapters[sample["chapter"] - 1]["title"] if 0 < sample["chapter"] <= len(chapters) else ""
    )
    found = adapter.evaluation["texts"]["rows"][sample["id"]][HUMAN]
    return {
        "id": sample["id"],
        "novel": sample["novel"],
        "chapter": title or str(sample["chapter"]),
        "length": sample["length"],
        "prompt": sample["prompt"]["input"],
        "columns": [_column(captions["systems"][HUMAN], HUMAN, sample["reference"], found, None)],
    }


def _system_label(system: str, name: str, adapter: Adapter, *, alone: bool, captions: dict) -> str:
    if alone or system not in (BASE, TUNED):
        return captions["systems"].get(system, system)
    return name if system == TUNED else f"{captions['systems'][BASE]} {adapter.model}"


def _column(label: str, system: str, text: str, found: dict, output: dict | None) -> dict:
    # The author may copy earlier words of the novel, and invent names: nothing is highlighted there.
    spans = output_spans(text, found, output) if output else {}
    return {
        "label": label,
        "system": system,
        "segments": segments(text, spans),
        "characters": len(text),
        "stop": output and output["stop"],
        "seconds": output and output.get("seconds"),
        "forgotten": output.get("forgotten", 0) if output else 0,
        "highlighted": any(spans.values()),
    }


def _contexts(evaluation: dict, captions: dict) -> dict:
    """The ladder of contexts, and what the true one saves over one from another chapter."""
    words, bits = captions["context"], evaluation["bits_per_character"]
    *rungs, whole = bits["ladder"]
    rows = [(f"{rung['context']:,}", rung) for rung in rungs] + [(words["whole"], whole)]
    if gain := bits["context_gain"]:
        rows.append((words["gain"].format(rows=gain["rows"]), gain))
    return {
        "help": words["help"].format(rows=whole["rows"]),
        "rows": [
            {
                "name": name,
                "cells": [
                    {
                        "value": figure(measured[side]["value"], signed=side == "difference"),
                        "interval": interval(measured[side]),
                    }
                    for side in (BASE, TUNED, "difference")
                ],
            }
            for name, measured in rows
        ],
    }


def _positions(evaluation: dict, captions: dict) -> dict:
    words = captions["position"]
    bits = [
        {
            "start": stretch["start"],
            "end": stretch["end"],
            "values": {name: stretch[name] for name in (BASE, TUNED)},
        }
        for stretch in evaluation["bits_per_character"]["by_position"]
    ]
    texts = evaluation["texts"]
    repetition = [
        {"start": s["start"], "end": s["end"], "values": s["seq_rep_4"]}
        for s in texts["by_position"]
    ]
    return {
        "bits": charts.by_position(
            bits, _labels([BASE, TUNED], captions), x=words["x"], y=words["bits"]
        ),
        "repetition": charts.by_position(
            repetition,
            _labels(list(texts["systems"]), captions),
            x=words["x"],
            y=words["repetition"],
            percent=True,
        ),
    }


def _table(evaluation: dict, captions: dict) -> dict:
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
        "systems": list(_labels(list(systems), captions).items()),
        "rows": rows,
        "exam": exam_table(evaluation, captions),
        "detectability": detectability_sentences(evaluation, captions),
    }


def _recipe(name: str, adapter: Adapter) -> dict:
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


def _readers(votes: dict, captions: dict) -> dict:
    """What blind readers chose, by adapter; figures as they are shown."""
    labels = captions["systems"]
    adapters = []
    for name, counted in votes["adapters"].items():
        rows = [
            {
                **{key: pairing[key] for key in ("wins", "losses", "ties")},
                "systems": [labels.get(system, system) for system in pairing["systems"]],
                "win_rate": figure(pairing["win_rate"]["value"], "percent"),
                "interval": interval(pairing["win_rate"], "percent"),
                "judge_agrees": figure(pairing["judge_agrees"], "percent"),
            }
            for pairing in counted["pairings"]
        ]
        recognised = counted["recognised"]
        shown = {
            "share": figure(recognised["value"], "percent"),
            "interval": f" ({between})" if (between := interval(recognised, "percent")) else "",
            "chance": figure(recognised["chance"], "percent"),
            "guesses": recognised["guesses"],
        }
        adapters.append({"name": name, "rows": rows, "recognised": shown})
    return {
        **{key: votes[key] for key in ("readers", "answers", "elsewhere")},
        "agreement": figure(votes["agreement"]),
        "adapters": adapters,
    }


def _judge(judge: dict | None, captions: dict) -> dict | None:
    if not judge:
        return None
    labels = {
        **captions["systems"],
        **{trial: captions["judge"][trial] for trial in (NEGATIVE, CORRUPTED)},
    }
    rows = [
        {
            **{key: pairing[key] for key in ("wins", "losses", "ties", "unjudged")},
            "systems": [labels.get(system, system) for system in pairing["systems"]],
            "flips": figure(pairing["flips"], "percent"),
            "win_rate": figure(pairing["win_rate"]["value"], "percent"),
            "interval": interval(pairing["win_rate"], "percent"),
        }
        for pairing in judge["pairings"]
    ]
    return {"endpoint": judge["endpoint"], "rows": rows, "trusted": judge["trusted"]}


def _costs(novels: dict[str, Novel], adapters: dict[str, Adapter]) -> dict:
    """What the run took: calls, tokens and money by novel and role, and the seconds of training and sampling by adapter."""
    return {
        "calls": [
            {"novel": name, "role": role, "paid": {}, **usage}
            for name, novel in novels.items()
            for role, usage in novel.summary.get("usage", {}).items()
        ],
        "seconds": [
            {
                "adapter": name,
                "training": adapter.manifest["seconds"],
                "sampling": sum(
                    output["seconds"]
                    for sample in adapter.samples
                    for output in sample["outputs"].values()
                ),
            }
            for name, adapter in adapters.items()
        ],
    }


def _novel(name: str, novel: Novel, captions: dict) -> dict:
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


def _ledger(ledger: dict) -> dict:
    """The road of the pairs as bars, each stage by its share of the pairs that were asked for."""
    counts = {
        stage: sum(part["pairs"].get(stage, 0) for part in ledger["novels"].values())
        for stage in ("asked", "candidates", "kept")
    }
    counts = {stage: count for stage, count in counts.items() if count} | ledger["rows"]
    whole = max(counts.values(), default=0) or 1
    reasons: dict[str, dict[str, int]] = {"dropped": {}, "failed": {}}
    for part in ledger["novels"].values():
        for kind, source in (
            ("dropped", {**part["pairs"].get("dropped", {}), **part.get("rows_dropped", {})}),
            ("failed", part["pairs"].get("failed", {})),
        ):
            for reason, count in source.items():
                reasons[kind][reason] = reasons[kind].get(reason, 0) + count
    return {
        "stages": [
            {"stage": stage, "count": count, "share": count / whole}
            for stage, count in counts.items()
        ],
        "reasons": reasons,
        "leak": ledger.get("shared_shingles"),
    }
