"""What the report says of rows that are told of the story."""

from pathlib import Path

import pytest
from report_case import CONFIG, LANGUAGES, SAMPLES, adapter, evaluation, ledger, measured, novel
from xuxie.report.content import page_content
from xuxie.report.costs import costs
from xuxie.report.rendering import read_captions, render_page
from xuxie.report.told import sketch_sentences, told_table

FOLDER = Path(__file__).parents[2] / "resources" / "report"


def page(language="zh", adapters=None, ledgers=None) -> str:
    """The whole page, its markup resolved."""
    captions = read_captions(FOLDER, language)
    ledgers, adapters = ledgers or {"demo": ledger()}, adapters or {"demo": adapter()}
    content = page_content({"雾港": novel()}, ledgers, adapters, CONFIG, captions)
    return render_page(FOLDER, content, captions)


def side(**versions):
    return {
        "versions": {
            name: measured(value, value - 0.1, value + 0.1) for name, value in versions.items()
        },
        "less": {
            name: measured(value - versions["without"], -0.3, 0.1)
            for name, value in versions.items()
            if name != "without"
        },
    }


TOLD = {
    "state": None,
    "outline": {
        "rows": 3,
        "base": side(**{"without": 5.5, "with": 5.31, "foreign": 5.62}),
        "tuned": side(**{"without": 5.1, "with": 4.85, "foreign": 5.17}),
    },
}
SKETCHES = {
    "outline": {"asked": 40, "failed": {"copied": 3}, "checked": 37, "auc": 0.52, "bound": 0.7, "told": False},
    "summary": {"asked": 9, "failed": {}, "checked": 9, "auc": 0.9, "bound": 0.7, "told": True},
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_bits_with_without_and_after_a_foreign_outline_stand_side_by_side(language):
    rows = told_table({"told": TOLD}, read_captions(FOLDER, language))
    assert [[cell["value"] for cell in row["cells"]] for row in rows] == [
        ["5.50", "5.10"],
        ["5.31", "4.85"],
        ["5.62", "5.17"],
    ]
    assert [row["cells"][1]["change"] for row in rows] == [None, "−0.25", "+0.07"]
    assert (
        told_table({"told": {"state": None, "outline": None}}, read_captions(FOLDER, language))
        == []
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_that_do_not_fit_are_said_to_be_off(language):
    captions = read_captions(FOLDER, language)
    off, fits = sketch_sentences({"sketches": SKETCHES}, captions)
    assert (
        not off["told"] and "0.52" in off["text"] and "0.70" in off["text"] and "40" in off["text"]
    )
    assert fits["told"] and "0.90" in fits["text"]


def test_the_page_shows_both():
    plain = page("en")
    assert "What rows are told of the story" not in plain
    shown = page("en", {"demo": adapter(evaluation={**evaluation(), "told": TOLD})})
    assert "told what happens in another chapter" in shown
    off = page("en", ledgers={"demo": {**ledger(), "sketches": SKETCHES}})
    assert "they do not fit their passages, and no row is told them" in off


def test_a_sample_shows_what_its_question_told():
    sample = SAMPLES[0] | {
        "prompt": {
            **SAMPLES[0]["prompt"],
            "state": "【人物：甲】",
            "outlines": ["", "【接下来：<b>】"],
        }
    }
    text = page("zh", {"demo": adapter(samples=[sample])})
    assert "【人物：甲】" in text and "【接下来：&lt;b&gt;】" in text and "<b>】" not in text


def test_what_the_sentences_took_stands_with_the_costs():
    usage = {
        "role": "sketches",
        "questions": 3,
        "failed": 0,
        "input": 12345,
        "cached": 0,
        "output": 99,
        "cost": 0.0,
        "calls": 3,
    }
    found = costs({}, {"demo": {"sketch_usage": usage}, "plain": {}}, {})["calls"]
    assert [(row["novel"], row["role"], row["input"]) for row in found] == [
        ("demo", "sketches", 12345)
    ]
