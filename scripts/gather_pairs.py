"""Rule gather_pairs: all shards' scored candidates of a novel, each kept or dropped with its reason."""

import logging
from collections import Counter

from xuxie.errors import UserError
from xuxie.files.rows import read_json, read_rows, write_json, write_rows
from xuxie.pairs.account import add_up
from xuxie.pairs.agreement import agreement
from xuxie.pairs.calibration import auc, percentile_score
from xuxie.pairs.planning import asked_chunks, plan_chunks
from xuxie.pairs.selection import dropped_counts, select
from xuxie.pairs.writing import verbatim_summary
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def gather_pairs(
    candidates: list[str],
    scored: list[str],
    usages: list[str],
    chunks: str,
    tokenizer: str | None,
    pairs: str,
    failures: str,
    unasked: str,
    summary: str,
    *,
    asking: dict,
    scorers: dict[str, dict],
    threshold: float,
    near_duplicate: float,
    max_overlap: float,
) -> None:
    """Join what was generated with what was scored; the first scorer decides, the others are reported.

    Args:
        candidates: one file a shard.
        scored: one file a scorer and shard, scorers in the order of `scorers`, shards in that of `candidates`.
        usages: what the answers took, one file a shard and role that asks an endpoint.
        chunks, tokenizer, asking: what the questions were planned from; planned again here, so that no answer can go missing.
        pairs, failures, unasked: what became of every chunk: its pairs, the answers that failed, or why it was not asked about.
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
    on_scale = {
        name: _on_scale(by_scorer[name], settings["method"]) for name, settings in scorers.items()
    }
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
        near_duplicate=near_duplicate,
        max_overlap=max_overlap,
    )
    all_chunks = list(read_rows(chunks))
    slots, not_asked = _plan(all_chunks, asking, tokenizer)
    _check_answered(slots, found, failed)
    write_rows(pairs, kept_or_not)
    write_rows(failures, failed)
    write_rows(unasked, not_asked)
    report = {
        "chunks": {
            "all": len(all_chunks),
            "asked": len(all_chunks) - len(not_asked),
            "not_asked": dict(Counter(row["because"] for row in not_asked)),
        },
        "asked": sum(map(len, slots.values())),
        "candidates": len(found),
        "failed": _failed_counts(failed),
        "kept": sum(row["kept"] for row in kept_or_not),
        "dropped": dropped_counts(kept_or_not),
        "lengths": {
            name: {
                "asked": sum(names.count(name) for names in slots.values()),
                "candidates": sum(row["length"] == name for row in found),
                "kept": sum(row["length"] == name and row["kept"] for row in kept_or_not),
            }
            for name in (length["name"] for length in asking["lengths"])
        },
        "threshold": threshold,
        "calibration": {name: _calibration(marks) for name, marks in by_scorer.items()},
        "agreement": agreement(on_scale),
        "usage": add_up(map(read_json, usages)),
    }
    if asking["mode"] == "write":
        report["verbatim"] = verbatim_summary(found)
    write_json(summary, report)
    logger.info(
        "%(asked)d pairs asked, %(candidates)d found, %(kept)d kept, dropped: %(dropped)s, failed: %(failed)s",
        report,
    )
    for name, measured in report["calibration"].items():
        if measured["auc"] is not None and measured["auc"] < 0.8:
            logger.warning(
                "scorer %s tells true pairs from swapped ones with an AUC of %.2f only",
                name,
                measured["auc"],
            )


def _plan(
    chunks: list[dict], asking: dict, tokenizer: str | None
) -> tuple[dict[str, list[str]], list[dict]]:
    """The length classes that each chunk was asked for, and the chunks that nothing was asked about, with the reason."""
    asked = asked_chunks(chunks, per_chapter=asking["chunks_per_chapter"], seed=asking["seed"])
    plans = plan_chunks(
        asked,
        asking["lengths"],
        per_chunk=asking["per_chunk"],
        seed=asking["seed"],
        tokenizer=tokenizer,
    )
    slots = {plan.chunk["id"]: [length.name for length, _ in plan.slots] for plan in plans}
    because = {
        chunk["id"]: "beyond chunks_per_chapter" for chunk in chunks if chunk["id"] not in slots
    }
    because |= {chunk: "no length class fits" for chunk, names in slots.items() if not names}
    return slots, [
        {"chunk": chunk["id"], "chapter": chunk["chapter"], "because": because[chunk["id"]]}
        for chunk in chunks
        if chunk["id"] in because
    ]


def _check_answered(slots: dict[str, list[str]], found: list[dict], failed: list[dict]) -> None:
    """Make sure that every pair that was asked for has been proposed or has failed."""
    answered = Counter(row["chunk"] for row in found)
    for row in failed:
        answered[row["chunk"]] += row["pairs"]
    differing = [
        chunk for chunk in slots | answered if len(slots.get(chunk, ())) != answered[chunk]
    ]
    if differing:
        raise UserError(
            f"{len(differing)} chunks were answered for another number of pairs than they were asked for, the first {differing[0]}: "
            f"asked {len(slots.get(differing[0], ()))}, answered {answered[differing[0]]}",
            where="the novel's shards",
            remedy="delete the folder shards of this novel and run again: answers that were paid for come from the journal",
        )


def _on_scale(marks: dict[str, dict], method: str) -> dict[str, float | None]:
    """Scores from 0 to 10: a judge's marks as they are, likelihoods by the share of swapped pairs that they beat."""
    if method == "judge":
        return {pair: row["value"] for pair, row in marks.items()}
    swapped = sorted(value for row in marks.values() for value in row["swapped"])
    return {
        pair: None
        if row["value"] is None or not swapped
        else percentile_score(row["value"], swapped)
        for pair, row in marks.items()
    }


def _scores(pair: str, by_scorer: dict[str, dict], on_scale: dict[str, dict]) -> dict:
    """Each scorer's score and what it measured: its marks by criterion, the bits that the prompt saves, or why there are none."""
    return {
        name: {"score": on_scale[name][pair], **_measured(rows[pair])}
        for name, rows in by_scorer.items()
    }


def _measured(row: dict) -> dict:
    return (
        {"failed": row["failed"]} if "failed" in row else row.get("marks", {"bits": row["value"]})
    )


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
    run_job(gather_pairs, snakemake)
