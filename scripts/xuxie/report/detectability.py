"""What the page says of how easily a system is told from the author."""

from xuxie.evaluation.intervals import FEWEST_CHAPTERS, verdict
from xuxie.report.figures import figure, interval
from xuxie.sampling.authors import BASE, TUNED


def detectability_sentences(evaluation: dict, captions: dict) -> list[str]:
    """How well a plain classifier tells base and tuned from the author, and whether one is told more easily; or that the samples are too few."""
    found, words = evaluation["detectability"], captions["detectability"]
    if found["auc"] is None:
        return [words["too_few"].format(**found, fewest_chapters=FEWEST_CHAPTERS)]
    sentences = [words["help"].format(**found)]
    for system, auc in found["auc"].items():
        sentences.append(
            words["auc"].format(
                system=captions["systems"][system],
                auc=figure(auc["value"]),
                interval=interval(auc),
            )
        )
    if change := found["difference"]:
        sentences.append(
            words[verdict(change)].format(
                tuned=captions["systems"][TUNED],
                base=captions["systems"][BASE],
                difference=figure(change["value"], signed=True),
                interval=interval(change),
            )
        )
    return sentences
