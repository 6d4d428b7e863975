"""A novel's pairs in figures: what was asked, found, kept and dropped, and how far its scorers can be trusted."""

import logging
from collections import Counter

from xuxie.pairs.account import add_up
from xuxie.pairs.agreement import agreement
from xuxie.pairs.calibration import TRUSTED_AUC
from xuxie.pairs.planning import Plan
from xuxie.pairs.selection import dropped_counts
from xuxie.pairs.verdicts import Verdicts

logger = logging.getLogger(__name__)


def summarise(
    plans: list[Plan],
    not_asked: list[dict],
    pairs: list[dict],
    failed: list[dict],
    verdicts: dict[str, Verdicts],
    usages: list[dict],
    *,
    lengths: list[dict],
    threshold: float,
) -> dict:
    """The content of pairs.json.

    Args:
        plans: of the chunks that were asked about.
        not_asked: the others, each with its reason.
        pairs: candidates, each kept or dropped.
        failed: what was asked for in vain.
        verdicts: by scorer; the first decided.
        usages: of the roles that ask an endpoint (see `Counter.account`).
        lengths: the recipe's length classes.
    """
    asked = Counter(length.name for plan in plans for length, _ in plan.slots)
    found = Counter(pair["length"] for pair in pairs)
    kept = Counter(pair["length"] for pair in pairs if pair["kept"])
    lost: Counter[str] = Counter()
    for row in failed:
        lost[row["failed"]] += row["pairs"]
    return {
        "chunks": {
            "all": len(plans) + len(not_asked),
            "asked": len(plans),
            "not_asked": dict(Counter(row["because"] for row in not_asked)),
        },
        "asked": asked.total(),
        "candidates": len(pairs),
        "failed": dict(lost),
        "kept": kept.total(),
        "dropped": dropped_counts(pairs),
        "lengths": {
            name: {"asked": asked[name], "candidates": found[name], "kept": kept[name]}
            for name in (length["name"] for length in lengths)
        },
        "threshold": threshold,
        "calibration": {name: found.calibration for name, found in verdicts.items()},
        "agreement": agreement({name: found.scores for name, found in verdicts.items()}),
        "usage": add_up(usages),
    }


def log_summary(summary: dict) -> None:
    """Log what became of a novel's pairs, and which scorer is doubtful."""
    logger.info(
        "%(asked)d pairs asked, %(candidates)d found, %(kept)d kept, dropped: %(dropped)s, failed: %(failed)s",
        summary,
    )
    for name, measured in summary["calibration"].items():
        if measured["auc"] is not None and measured["auc"] < TRUSTED_AUC:
            logger.warning(
                "scorer %s tells true pairs from negatives with an AUC of %.2f only",
                name,
                measured["auc"],
            )
