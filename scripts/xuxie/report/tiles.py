"""The few numbers that a glance should catch."""

from xuxie.report.exam import is_fit
from xuxie.report.figures import METRICS, figure
from xuxie.sampling.authors import BASE, HUMAN, TUNED


def tiles(evaluation: dict, captions: dict) -> list[dict]:
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
