"""How loss and repetition change along a completion."""

from xuxie.report import charts
from xuxie.report.metrics import system_labels
from xuxie.sampling.authors import BASE, TUNED


def position_charts(evaluation: dict, captions: dict) -> dict:
    """The charts of bits per character and of repetition by place in the completion."""
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
            bits, system_labels([BASE, TUNED], captions), x=words["x"], y=words["bits"]
        ),
        "repetition": charts.by_position(
            repetition,
            system_labels(list(texts["systems"]), captions),
            x=words["x"],
            y=words["repetition"],
            percent=True,
        ),
    }
