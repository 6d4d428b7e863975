"""The sentences that say whether the adapter is any good, with their uncertainty."""

from xuxie.evaluation.intervals import UNCLEAR
from xuxie.overlap.ngrams import COPY_NGRAM
from xuxie.report.exam import is_fit
from xuxie.report.figures import figure

# At least this share of the tuned outputs must hold an end token that nobody honoured before a sentence says so.
_FOREIGN_STOPS = 0.05


def verdict_sentences(adapter: str, evaluation: dict, captions: dict) -> list[str]:
    """The headline with its number, then what it rests on and what speaks for or against it."""
    words = captions["verdict"]
    bits = evaluation["bits_per_character"]
    systems = evaluation["texts"]["systems"]
    sentences = [_headline(adapter, evaluation, words), _basis(evaluation, words)]
    if bits["difference"]["low"] is None:
        sentences.append(words["no_interval"])
    elif evaluation["verdict"] == UNCLEAR:
        enough = evaluation["enough_chapters"]
        sentences.append(words["enough" if enough else "never_enough"].format(enough=enough))
    if gain := bits["context_gain"]:
        saved = {name: figure(gain[name]["value"], signed=True) for name in ("base", "tuned")}
        sentences.append(words["context"].format(use=words["uses"][gain["use"]], **saved))
        if evaluation["verdict"] == "better" and gain["use"] in words["manner"]:
            sentences.append(words["manner"][gain["use"]])
    if fading := next((place for place in bits["by_position"] if place["fades"]), None):
        sentences.append(
            words["fades"].format(
                start=fading["start"],
                then=figure(fading["difference"]["value"], signed=True),
                first=figure(bits["by_position"][0]["difference"]["value"], signed=True),
            )
        )
    if known := evaluation["acquaintance"]:
        recited = words["recited" if known["copied"]["value"] else "not_recited"]
        sentences.append(
            recited.format(
                run=COPY_NGRAM,
                share=figure(known["copied"]["value"], "percent"),
                longest=known["longest"],
            )
        )
    if not {"base", "tuned"} <= systems.keys():
        return sentences
    tuned = systems["tuned"]
    foreign = tuned["foreign_stop"]["value"]
    if foreign is not None and foreign >= _FOREIGN_STOPS:
        sentences.append(words["foreign_stop"].format(share=figure(foreign, "percent")))
    if is_fit(evaluation, "copied_30"):
        copied = {
            name: figure(systems[name]["copied_30"]["value"], "percent")
            for name in ("tuned", "human")
        }
        sentences.append(words["copying"].format(run=COPY_NGRAM, **copied))
    start = _repeats_from(evaluation["texts"]["by_position"])
    if start is not None and is_fit(evaluation, "seq_rep_4"):
        sentences.append(words["repeats"].format(start=start))
    return sentences


def _headline(adapter: str, evaluation: dict, words: dict) -> str:
    """What was learnt, in one sentence; evaluation.json has the verdict."""
    bits = evaluation["bits_per_character"]
    share = bits["relative"]["value"]
    low, high = bits["difference"]["low"], bits["difference"]["high"]
    # An interval that would carry a verdict has none where it rests on too few chapters.
    too_few = evaluation["verdict"] == UNCLEAR and (low is None or not low <= 0 <= high)
    return words["too_few" if too_few else evaluation["verdict"]].format(
        adapter=adapter,
        chapters=evaluation["chapters"],
        share=figure(abs(share), "percent"),
        more_or_fewer=words["fewer" if share < 0 else "more_bits"],
        **{name: figure(bits[name]["value"]) for name in ("base", "tuned")},
    )


def _basis(evaluation: dict, words: dict) -> str:
    bits = evaluation["bits_per_character"]
    return words["bits"].format(
        chapters=evaluation["chapters"],
        characters=f"{bits['characters']:,}",
        longest=f"{bits['longest_context']:,}",
        difference=figure(bits["difference"]["value"], signed=True),
        low=figure(bits["difference"]["low"], signed=True),
        high=figure(bits["difference"]["high"], signed=True),
        detectable=figure(bits["detectable"]),
        **{f"{name}_format": words["formats"][bits["format"][name]] for name in ("base", "tuned")},
    )


def _repeats_from(stretches: list[dict]) -> int | None:
    """The first stretch in which the tuned model's interval of repetition lies above twice the author's figure."""
    for stretch in stretches:
        tuned, human = (stretch["seq_rep_4"].get(name, {}) for name in ("tuned", "human"))
        if (
            tuned.get("low") is not None
            and human.get("value") is not None
            and tuned["low"] > 2 * human["value"]
        ):
            return stretch["start"]
    return None
