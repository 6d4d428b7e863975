"""The sentences that say whether the adapter is any good, with their uncertainty."""

from xuxie.report.figures import figure

# So much of the tuned outputs must carry an end token that nobody honoured before a sentence says so.
_FOREIGN = 0.05
_COPY_RUN = 30


def verdict_sentences(adapter: str, evaluation: dict, captions: dict) -> list[str]:
    """The headline, then what it rests on and what speaks for or against it."""
    words = captions["verdict"]
    bits = evaluation["bits_per_character"]
    difference = bits["difference"]
    systems = evaluation["texts"]["systems"]
    sentences = [
        words[_headline(evaluation["verdict"], difference)].format(adapter=adapter),
        words["bits"].format(
            chapters=evaluation["chapters"],
            base=figure(bits["base"]["value"]),
            tuned=figure(bits["tuned"]["value"]),
            difference=figure(difference["value"], signed=True),
            low=figure(difference["low"], signed=True),
            high=figure(difference["high"], signed=True),
            format=words["formats"][bits["base_format"]],
        ),
    ]
    if difference["low"] is None:
        sentences.append(words["no_interval"])
    elif difference["over"] == "row":
        sentences.append(words["over_row"])
    if (start := _decays_from(bits["by_position"])) is not None:
        sentences.append(words["decay"].format(start=start))
    if not {"base", "tuned"} <= systems.keys():
        return sentences
    tuned, base = systems["tuned"], systems["base"]
    stops = {
        name: figure(side["natural_stop"]["value"], "percent")
        for name, side in (("tuned", tuned), ("base", base))
    }
    sentences.append(words["stops"].format(**stops))
    foreign = tuned["foreign_stop"]["value"]
    if foreign is not None and foreign >= _FOREIGN:
        sentences.append(words["foreign"].format(share=figure(foreign, "percent")))
    copied = {
        name: figure(systems[name]["copied_30"]["value"], "percent") for name in ("tuned", "human")
    }
    sentences.append(words["copying"].format(run=_COPY_RUN, **copied))
    if (start := _repeats_from(evaluation["texts"]["by_position"])) is not None:
        sentences.append(words["repeats"].format(start=start))
    return sentences


def _headline(verdict: str, difference: dict) -> str:
    """The key of the headline: what rests on fewer than five chapters is a first impression."""
    return f"{verdict}_so_far" if verdict != "unclear" and difference["over"] == "row" else verdict


def _decays_from(stretches: list[dict]) -> int | None:
    """Where the tuned model stops being surely better than the base, having been so before."""
    better = [
        stretch["difference"]["high"] is not None and stretch["difference"]["high"] < 0
        for stretch in stretches
    ]
    for index in range(1, len(stretches)):
        if all(better[:index]) and not any(better[index:]):
            return stretches[index]["start"]
    return None


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
