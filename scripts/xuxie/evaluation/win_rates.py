"""What the judge's preferences come to, and what the judge itself is worth."""

from collections.abc import Sequence

from xuxie.evaluation.intervals import FEWEST_CHAPTERS, interval_of_share
from xuxie.evaluation.preference import CORRUPTED, NEGATIVE
from xuxie.files.novel_text import chapter_of
from xuxie.sampling.authors import HUMAN

_WORTH = 0.7
"""A judge that prefers the true continuation to a negative, or to itself corrupted, less often than this proves nothing."""


def win_rates(rows: Sequence[dict]) -> dict:
    """Wins, losses and ties of each pairing, and the judge's calibration.

    The two orders must agree for a win or a loss; disagreement is a tie, and counts as a flip. A tie is half a win.

    Args:
        rows: what `preference.verdicts` gave; quarters of long continuations are left to `decay`.

    Returns:
        pairings: list of systems, wins, losses, ties, unjudged, flips (share of the judged) and win_rate of the
        first with its interval; trusted: whether the judge tells the author's continuation from a negative, and from itself corrupted,
        whichever stands first.
    """
    rows = [row for row in rows if row.get("quarter") is None]
    pairings: list[dict] = []
    for systems in dict.fromkeys(tuple(row["systems"]) for row in rows):
        of_these = [row for row in rows if tuple(row["systems"]) == systems]
        judged = [row for row in of_these if row["preferred"] is not None]
        points = [points_of(row["preferred"], systems[0]) for row in judged]
        flips = [row["preferred"][0] != row["preferred"][1] for row in judged]
        pairings.append(
            {
                "systems": list(systems),
                "wins": points.count(1.0),
                "losses": points.count(0.0),
                "ties": points.count(0.5),
                "unjudged": len(of_these) - len(judged),
                "flips": sum(flips) / len(judged) if judged else None,
                "win_rate": interval_of_share(
                    points, [1] * len(judged), [chapter_of(row) for row in judged]
                ),
            }
        )
    trials = {
        trial: pairing["win_rate"]
        for pairing in pairings
        for trial in (NEGATIVE, CORRUPTED)
        if pairing["systems"] == [HUMAN, trial]
    }
    return {
        "pairings": pairings,
        "trusted": NEGATIVE in trials and all(map(_passed, trials.values())),
    }


def winner(preferred: Sequence[str | None]) -> str | None:
    """The system that the judge prefers in both orders; None for a tie, and where the orders disagree."""
    first, second = preferred
    return first if first == second else None


def points_of(preferred: Sequence[str | None], system: str) -> float:
    """1 if the system wins, 0 if the other one does, half for neither."""
    won = winner(preferred)
    return 0.5 if won is None else float(won == system)


def _passed(win_rate: dict) -> bool:
    """Whether the author surely won, often enough, in a trial of the judge."""
    return (
        win_rate["chapters"] >= FEWEST_CHAPTERS
        and win_rate["low"] > 0.5
        and win_rate["value"] >= _WORTH
    )
