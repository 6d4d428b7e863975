"""What the page says of how far a continuation holds."""

from pathlib import Path

import pytest
from report_case import curve, evaluation
from xuxie.report.decay import decay_curves
from xuxie.report.metrics import drawn, system_label
from xuxie.report.rendering import read_captions

CAPTIONS = read_captions(Path(__file__).parents[2] / "resources" / "report", "en")


@pytest.fixture
def found():
    return evaluation()


def sentences(found):
    return decay_curves(found, CAPTIONS)["sentences"]


def test_what_breaks_comes_first_then_what_holds_then_what_cannot_be_told(found):
    assert sentences(found) == [
        "It breaks. repeated 4-grams within a quarter: from character 1,500 on (20%, in the first quarter 2.0%).",
        "Holds, within 10% of the first quarter: bits per character of the true text (to 3,000 characters).",
        "Whether it holds cannot be told from 6 texts: told from the author (AUC).",
    ]


def test_it_holds_to_its_end_only_if_everything_does(found):
    metrics = found["decay"]["systems"]["tuned"]["metrics"]
    metrics["seq_rep_4"] = curve(0.02, 0.02, 0.02, 0.02)
    assert "It holds to here" not in " ".join(sentences(found))
    metrics["detectability"] = curve(0.7, 0.7, 0.7, 0.7)
    assert sentences(found)[0] == "It holds to here: 3,000 characters."


def test_a_metric_that_failed_its_exam_says_nothing(found):
    found["exam"]["metrics"]["seq_rep_4"]["fit"] = False
    assert not [sentence for sentence in sentences(found) if "4-grams" in sentence]
    found["decay"]["systems"]["tuned"]["metrics"]["preferred"] = curve(0.5, 0.5, 0.5, 0.5)
    assert not [sentence for sentence in sentences(found) if "judge" in sentence]
    found["judge"] = {"trusted": True}
    assert [sentence for sentence in sentences(found) if "judge" in sentence]
    # Its curve is shown all the same.
    assert len(decay_curves(found, CAPTIONS)["charts"]) == 4


def test_where_texts_are_too_short_or_too_few_it_says_so(found):
    found["decay"]["systems"]["tuned"] = {"texts": 0, "chapters": 0, "metrics": {}}
    assert sentences(found)[-1] == "Nothing that the tuned model wrote has 3,000 characters."
    found["decay"] = None
    assert "sampling.target_chars" in sentences(found)[-1]
    found["bits_per_character"]["by_quarter"] = None
    shown = decay_curves(found, CAPTIONS)
    assert len(shown["sentences"]) == 1 and shown["charts"] == shown["rows"] == []


def test_every_quarter_stands_in_the_table_with_the_change_of_the_last(found):
    rows = decay_curves(found, CAPTIONS)["rows"]
    assert [row["system"] for row in rows] == [
        "base model",
        "tuned",
        "the author",
        "tuned",
        "tuned",
    ]
    assert [cell["value"] for cell in rows[3]["cells"]] == ["2.0%", "2.0%", "20%", "40%"]
    assert rows[3]["change"]["value"] == "+2.0%" and rows[3]["state"] == "breaks"
    assert rows[2]["change"] is None and rows[2]["state"] is None


def test_the_values_that_samples_were_drawn_with_are_named(found):
    own = found["decoding"]["tuned"]
    found["decoding"]["tuned@free"] = own | {"repetition_penalty": 1}
    assert drawn(found, CAPTIONS) == [
        "Samples were drawn with temperature 0.7, repetition_penalty 1.2, penalty_exempt stop.",
        "free: the same but for repetition_penalty 1.",
    ]
    assert system_label("tuned@free", CAPTIONS) == "tuned · free"
    assert system_label("far", CAPTIONS) == "far"
