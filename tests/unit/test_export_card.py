"""The model card: counts, figures, rights, and text only where it is allowed."""

import pytest
import yaml
from workspace import REPOSITORY
from write_model_card import write_model_card
from xuxie.evaluation.intervals import UNCLEAR, WITHHELD
from xuxie.export.card import counts, front_matter, render_card
from xuxie.files.rows import write_json, write_rows

FOLDER = REPOSITORY / "resources/export"


def row(novel: str, output: str) -> dict:
    return {"novel": novel, "input": "秘密的前文。", "output": output}


def bound(value: float) -> dict:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "chapters": 5}


def measured(value: float) -> dict:
    return {
        name: bound(value)
        for name in ("natural_stop", "foreign_stop", "seq_rep_4", "copied_30", "invented_names")
    }


EVALUATION = {
    "rows": 5,
    "chapters": 2,
    "verdict": "better",
    "bits_per_character": {"base": bound(4.942), "tuned": bound(4.72), "difference": bound(-0.222)},
    "texts": {"systems": {"base": measured(0.25), "tuned": measured(0.75)}},
}
SAMPLES = [{"prompt": {"input": "第一行\n第二行<b>"}, "outputs": {"tuned": {"text": "写出来的"}}}]

SAMPLING = {
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 50,
    "min_p": 0,
    "repetition_penalty": 1.2,
    "penalty_window": 0,
    "dry_multiplier": 0,
    "max_new_tokens": 300,
}


def card(language="en", **changes) -> str:
    return render_card(
        FOLDER,
        language,
        **{
            "name": "mine",
            "record": {
                "title": "A base",
                "licence": "Apache-2.0",
                "terms": "https://example.org/terms",
                "gguf": {"repository": "a/b"},
            },
            "evaluation": EVALUATION,
            "arguments": {
                "template": "qwen",
                "lora_rank": 8,
                "learning_rate": 0.0002,
                "output_dir": "/somewhere",
            },
            "splits": {
                "train": [row("one", "一二三"), row("two", "四五六七")],
                "val": [row("one", "八")],
                "test": [],
            },
            "texts": {"one": "字" * 90, "two": "字" * 70},
            "languages": ["zh", "zh"],
            "parities": [{"quantisation": "f16", "alike": 199, "positions": 200}],
            "samples": [],
            "rights": None,
            "system": "你是作者",
            "instruction": "续写：",
            "sampling": SAMPLING,
            **changes,
        },
    )


def test_rows_and_characters_are_counted_by_novel():
    found = counts({"one": "字" * 90}, {"train": [row("one", "x"), row("two", "x")], "test": []})
    assert found == [{"name": "one", "characters": 90, "train": 1, "test": 0}]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_card_in_each_language_has_counts_figures_recipe_and_parity(language):
    text = card(language)
    assert "| one | 90 | 1 | 1 | 0 |" in text and "| two | 70 | 1 | 0 | 0 |" in text
    assert "| 4.942 | 4.720 |" in text and "-0.222" in text and "| 0.250 | 0.750 |" in text
    assert "lora_rank: 8" in text and "你是作者" in text and "续写：" in text and "199" in text
    assert "/somewhere" not in text and "秘密" not in text


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("verdict", ["better", "worse", UNCLEAR, WITHHELD])
def test_every_verdict_has_words_of_its_own(verdict, language):
    before = card(language)
    text = card(language, evaluation={**EVALUATION, "verdict": verdict})
    assert (text == before) == (verdict == "better")
    assert verdict in ("better", "worse") or verdict not in text


def test_rights_stand_as_the_user_said_or_are_seen_to_be_missing():
    assert "Public domain since 1900." in card(rights="Public domain since 1900.")
    assert "no statement was made" in card() and "未作声明" in card("zh")


def test_licence_and_base_are_left_out_where_they_are_not_known_never_guessed():
    known = yaml.safe_load(
        front_matter({"licence": "Apache-2.0", "gguf": {"repository": "a/b"}}, ["zh", "en", "any"])
    )
    assert (known["license"], known["base_model"], known["language"]) == (
        "apache-2.0",
        "a/b",
        ["en", "zh"],
    )
    unknown = yaml.safe_load(front_matter({"title": "A folder"}, ["any"]))
    assert not {"license", "base_model", "language"} & set(unknown)
    assert "licence not recorded" in card(record={"title": "A folder"})


def test_text_is_shown_only_where_it_is_allowed_and_as_text():
    text = card(samples=SAMPLES)
    assert "> 第一行\n> 第二行&lt;b>" in text and "写出来的" in text
    assert "Samples" not in card()


def test_figures_that_were_not_measured_are_no_lines():
    text = card(
        evaluation={**EVALUATION, "texts": {"systems": {"tuned": measured(0.75)}}}, parities=[]
    )
    assert "0.750" not in text and "GGUF files" not in text
    none = {**bound(-0.1), "low": None, "high": None}
    assert "interval" not in card(
        evaluation={
            **EVALUATION,
            "bits_per_character": {**EVALUATION["bits_per_character"], "difference": none},
        }
    )


def test_a_novel_in_which_no_names_are_looked_for_has_no_line_for_them():
    systems = {name: measured(0.25) for name in ("base", "tuned")}
    for found in systems.values():
        del found["invented_names"]
    text = card(evaluation={**EVALUATION, "texts": {"systems": systems}})
    assert "invented names" not in text and "repeated 4-grams" in text


@pytest.mark.parametrize(
    "language, told_in, label", [("zh", "en", "[Next: "), ("en", "zh", "【接下来：")]
)
@pytest.mark.parametrize("told", [0, 7])
def test_how_to_ask_with_an_outline_is_said_in_the_language_of_the_rows_where_they_had_one(
    tmp_path, language, told_in, label, told
):
    files = {
        "evaluation.json": EVALUATION,
        "train.yaml": {"template": "qwen"},
        "model.json": {"title": "A base"},
        "ledger.json": {"told": {"outline": {"train": told}}},
    }
    for name, content in files.items():
        write_json(tmp_path / name, content)
    for name in ("samples", "train", "val", "test"):
        write_rows(tmp_path / f"{name}.jsonl", [row("one", "一二三")])
    (tmp_path / "text.txt").write_text("字" * 90, encoding="utf-8")

    def at(name: str) -> str:
        return str(tmp_path / name)

    write_model_card(
        at("evaluation.json"),
        at("samples.jsonl"),
        at("train.yaml"),
        [at("config.json"), at("model.json")],
        [at("train.jsonl"), at("val.jsonl"), at("test.jsonl")],
        [at("text.txt")] * 2,
        [],
        [str(FOLDER / f"card.{language}.md.j2")],
        at("ledger.json"),
        at("README.md"),
        name="mine",
        novels={"one": "en", "two": "zh"},
        language=language,
        told_in=told_in,
        rights=None,
        show_samples=False,
        system=None,
        instruction="",
        sampling=SAMPLING,
    )
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert text.count(f"`{label}") == bool(told)
