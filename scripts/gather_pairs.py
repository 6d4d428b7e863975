"""Rule gather_pairs: all shards' scored candidates of a novel, each kept or dropped with its reason."""

import logging

from xuxie.job import run_job
from xuxie.pairs.calibration import auc, percentile_score
from xuxie.pairs.selection import dropped_counts, select
from xuxie.rows import read_rows, write_json, write_rows

logger = logging.getLogger(__name__)


def gather_pairs(
    candidates: list[str],
    scored: list[str],
    pairs: str,
    failures: str,
    summary: str,
    *,
    scorers: dict[str, dict],
    threshold: float,
    max_overlap: float,
) -> None:
    """Join what was generated with what was scored; the first scorer decides, the others are reported.

    Args:
        candidates: one file a shard.
        scored: one file a scorer and shard, scorers in the order of `scorers`, shards in that of `candidates`.
        scorers: the settings of each scorer, by name.
    """
    rows = [row for path in candidates for row in read_rows(path)]
    failed = [row for row in rows if "failed" in row]
    found = [row for row in rows if "failed" not in row]
    shards = len(candidates)
    by_scorer = {}
    for index, name in enumerate(scorers):
        paths = scored[index * shards : (index + 1) * shards]
        by_scorer[name] = {row["id"]: row for path in paths for row in read_rows(path)}
    decisive = next(iter(scorers))
    on_scale = {name: _on_scale(by_scorer[name], settings["method"]) for name, settings in scorers.items()}
    kept_or_not = select(
        [
            {
                **{key: value for key, value in row.items() if key != "why"},
                "scores": _scores(row["id"], by_scorer, on_scale),
                "score": on_scale[decisive][row["id"]],
                "reason": by_scorer[decisive][row["id"]].get("reason") or row["why"],
            }
            for row in found
        ],
        threshold=threshold,
        max_overlap=max_overlap,
    )
    write_rows(pairs, kept_or_not)
    write_rows(failures, failed)
    report = {
        "asked": len(found) + sum(row["pairs"] for row in failed),
        "candidates": len(found),
        "failed": _failed_counts(failed),
        "kept": sum(row["kept"] for row in kept_or_not),
        "dropped": dropped_counts(kept_or_not),
        "threshold": threshold,
        "calibration": {name: _calibration(marks) for name, marks in by_scorer.items()},
    }
    write_json(summary, report)
    logger.info("%(asked)d pairs asked, %(candidates)d found, %(kept)d kept, dropped: %(dropped)s, failed: %(failed)s", report)
    for name, measured in report["calibration"].items():
        if measured["auc"] is not None and measured["auc"] < 0.8:
            logger.warning("scorer %s tells true pairs from swapped ones with an AUC of %.2f only", name, measured["auc"])


def _on_scale(marks: dict[str, dict], method: str) -> dict[str, float | None]:
    """Scores from 0 to 10: a judge's marks as they are, likelihoods by the share of swapped pairs that they beat."""
    if method == "judge":
        return {pair: row["value"] for pair, row in marks.items()}
    swapped = sorted(value for row in marks.values() for value in row["swapped"])
    return {pair: None if row["value"] is None or not swapped else percentile_score(row["value"], swapped) for pair, row in marks.items()}


def _scores(pair: str, by_scorer: dict[str, dict], on_scale: dict[str, dict]) -> dict:
    """Each scorer's score and what it measured: its marks by criterion, or the bits per character."""
    return {
        name: {"score": on_scale[name][pair], **(rows[pair].get("marks") or {"bits_per_character": rows[pair]["value"]})}
        for name, rows in by_scorer.items()
    }


def _calibration(marks: dict[str, dict]) -> dict:
    true = [row["value"] for row in marks.values() if row["value"] is not None]
    swapped = [value for row in marks.values() for value in row["swapped"]]
    return {"auc": auc(true, swapped), "true": len(true), "swapped": len(swapped)}


def _failed_counts(failed: list[dict]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in failed:
        counts[row["failed"]] = counts.get(row["failed"], 0) + row["pairs"]
    return counts


if __name__ == "__main__":
    run_job(gather_pairs, snakemake)  # noqa: F821
