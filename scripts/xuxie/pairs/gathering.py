"""All shards of a novel together: every chunk accounted for, every candidate with its scores, kept or dropped."""

from collections import Counter

from xuxie.errors import UserError
from xuxie.pairs.planning import Plan
from xuxie.pairs.selection import select
from xuxie.pairs.verdicts import Verdicts


def scored_pairs(
    found: list[dict], verdicts: dict[str, Verdicts], **selection: float
) -> list[dict]:
    """The candidates with `scores`, `score` and `reason`, each kept or dropped (see `select`).

    Args:
        found: candidates as generated.
        verdicts: by scorer; the first decides, the others are reported.
        selection: `threshold`, `near_duplicate` and `max_overlap`.
    """
    decisive = next(iter(verdicts.values()))
    return select(
        [
            {
                **{key: value for key, value in row.items() if key != "why"},
                "scores": {name: given.of(row["id"]) for name, given in verdicts.items()},
                "score": decisive.scores[row["id"]],
                "reason": decisive.reason(row["id"]) or row["why"],
            }
            for row in found
        ],
        **selection,
    )


def check_answered(plans: list[Plan], found: list[dict], failed: list[dict]) -> None:
    """Make sure that every pair that was asked for was either proposed or failed.

    Raises:
        UserError: a shard was made with other settings.
    """
    asked = {plan.chunk["id"]: len(plan.slots) for plan in plans}
    answered = Counter(row["chunk"] for row in found)
    for row in failed:
        answered[row["chunk"]] += row["pairs"]
    differing = [chunk for chunk in asked | answered if asked.get(chunk, 0) != answered[chunk]]
    if differing:
        first = differing[0]
        raise UserError(
            f"{len(differing)} chunks were answered for another number of pairs than they were asked for, the first {first}: "
            f"asked {asked.get(first, 0)}, answered {answered[first]}",
            where="the novel's shards",
            remedy="delete the folder shards of this novel and run again: answers that were paid for come from the journal",
        )
