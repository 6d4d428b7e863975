"""Which system readers and the preference judge prefer."""

from xuxie.evaluation.preference import CORRUPTED, NEGATIVE
from xuxie.report.figures import figure, interval


def readers_votes(votes: dict, captions: dict) -> dict:
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


def judge_table(judge: dict | None, captions: dict) -> dict | None:
    """What a judge preferred, by pairing; None without a judge."""
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
