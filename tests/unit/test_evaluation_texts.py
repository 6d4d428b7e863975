"""All metrics together on systems whose ways are plain: a copier, a looper, an inventor, and the author."""

import math

import pytest
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import Highlighter, measure_texts, training_text
from xuxie.sampling.authors import HUMAN

SENTENCES = [
    "林阿澈说：“雾来了。”", "沈若琳望着灯塔，没有回答。", "海水退下去，露出黑色的礁石。", "他们沿着石阶往下走。", "风把灯吹灭了，又被谁点亮。",
    "老周在码头上修他的船。", "那年冬天冷得早，港口结了薄冰。", "她把信折好，放进衣袋里。", "远处传来三声汽笛。", "天亮以前，谁也没有再说话。",
]  # fmt: skip
TRAINING = "".join(SENTENCES[:8]) * 3
TRUE = [
    "远处传来三声汽笛，码头上的人都站了起来。",
    "天亮以前，谁也没有再说话。林阿澈把灯举高。",
] * 3
NOVEL = TRAINING + "".join(TRUE)


def output(text, stop="natural", foreign_stop=None):
    return {"text": text, "stop": stop, "foreign_stop": foreign_stop}


SAMPLES = [
    {
        "id": f"s{number}", "novel": "n", "chapter": number, "length": "short", "prompt": {"input": "雾很大。"}, "reference": true,
        "outputs": {
            "copier": output(TRAINING[10:60]),
            "looper": output("她笑了笑，走了。" * 20, "length", 40),
            "inventor": output("王建国说：“好。”王建国走进屋里，李秀英笑道：“坐。”"),
            "silent": output(""),
        },
    }
    for number, true in enumerate(TRUE)
]  # fmt: skip


@pytest.fixture(scope="module")
def measured():
    return measure_texts(SAMPLES, Highlighter(NOVEL, TRAINING), Style(SENTENCES))


def value(measured, system, metric):
    return measured["systems"][system][metric]["value"]


def test_the_author_is_a_system_among_the_others(measured):
    assert list(measured["systems"]) == [HUMAN, "copier", "looper", "inventor", "silent"]
    assert "natural_stop" not in measured["systems"][HUMAN]
    assert value(measured, HUMAN, "copied_30") == 0
    assert value(measured, HUMAN, "invented_names") == 0


def test_what_stood_in_an_earlier_turn_is_copied_too():
    earlier = "".join(SENTENCES[:4])
    row = {"instruction": "续写：", "history": [[f"续写：\n{TRUE[0]}", earlier]], "input": "雾散了。", "output": "灯亮了。"}  # fmt: skip
    samples = [{**SAMPLES[0], "outputs": {"copier": output(earlier)}}]
    found = measure_texts(samples, Highlighter(NOVEL, training_text([row])), Style(SENTENCES))  # fmt: skip
    assert value(found, "copier", "copied_30") == 1


def test_what_raw_text_was_trained_on_is_copied_too():
    text = "".join(SENTENCES[:4])
    samples = [{**SAMPLES[0], "outputs": {"copier": output(text)}}]
    raw = {"novel": "n", "chapter": 1, "span": [0, len(text)], "text": text}
    found = measure_texts(samples, Highlighter(NOVEL, training_text([raw])), Style(SENTENCES))
    assert value(found, "copier", "copied_30") == 1


def test_the_copier(measured):
    assert value(measured, "copier", "copied_30") == 1
    assert value(measured, "copier", "longest_copy") == 50
    assert measured["rows"]["s0"]["copier"]["copied"] == [(0, 50)]


def test_the_looper(measured):
    assert value(measured, "looper", "seq_rep_4") > 0.9 > value(measured, HUMAN, "seq_rep_4")
    assert (
        value(measured, "looper", "natural_stop"),
        value(measured, "looper", "foreign_stop"),
    ) == (0, 1)
    assert measured["rows"]["s0"]["looper"]["onset"] == 8
    first, second, *_ = measured["by_position"]
    assert first["seq_rep_4"]["looper"]["value"] == pytest.approx(92 / 100)
    assert second["seq_rep_4"]["looper"]["value"] == 1
    assert second["seq_rep_4"][HUMAN]["value"] is None


def test_the_inventor(measured):
    text = SAMPLES[0]["outputs"]["inventor"]["text"]
    assert {name for _, name in measured["rows"]["s0"]["inventor"]["invented_names"]} == {
        "王建国",
        "李秀英",
    }
    assert value(measured, "inventor", "invented_names") == pytest.approx(2 / (len(text) / 1000))


def test_silence_is_measured_too(measured):
    assert value(measured, "silent", "characters") == 0
    assert value(measured, "silent", "natural_stop") == 1
    for metric in ("seq_rep_4", "distinct_2", "copied_30", "invented_names", "style_delta"):
        assert value(measured, "silent", metric) is None


def test_style_is_compared_at_one_length():
    """A longer text of the same hand is no nearer for its length: each prompt's texts are cut to the shortest."""
    sample = SAMPLES[0]
    long, short = sample["reference"] * 5, sample["reference"][:12]
    sample = {
        **sample,
        "outputs": {"long": output(long), "short": output(short), "silent": output("")},
    }
    found = measure_texts([sample], Highlighter(NOVEL, TRAINING), Style(SENTENCES))
    deltas = [value(found, name, "style_delta") for name in (HUMAN, "long", "short")]
    assert deltas == [Style(SENTENCES).delta(short)] * 3
    assert value(found, "silent", "style_delta") is None


def test_what_was_never_seen_may_still_happen(measured):
    """No invented name in so few characters leaves room for some in more."""
    names = measured["systems"][HUMAN]["invented_names"]
    thousands = sum(map(len, TRUE)) / 1000
    assert names["value"] == names["low"] == 0
    # Of a Poisson count none is seen in one of forty such runs.
    assert math.exp(-names["high"] * thousands) == pytest.approx(0.025)


def test_a_text_that_is_not_chinese_has_no_names():
    sample = {
        **SAMPLES[0],
        "reference": "The fog came in.",
        "outputs": {"base": output("The fog came in from the sea.")},
    }
    got = measure_texts(
        [sample], Highlighter("The fog " * 50, "The fog"), Style(["The fog", "came in"])
    )
    assert "invented_names" not in got["systems"]["base"]
    assert got["rows"]["s0"]["base"]["invented_names"] is None
