"""The report's words and numbers, and that no foreign text becomes markup."""

import html.parser
import re
from functools import cache
from pathlib import Path

import pytest
from report_case import (
    CONFIG,
    HOSTILE,
    LANGUAGES,
    SAMPLES,
    adapter,
    certificate,
    evaluation,
    exam,
    ledger,
    measured,
    novel,
)
from xuxie.dataset.notes import SAYINGS
from xuxie.dataset.sketched import OUTLINE, SUMMARY
from xuxie.dataset.split import SPLITS
from xuxie.evaluation.exam import MEANT_FOR, Materials, corrupted, cut_passages
from xuxie.evaluation.intervals import UNCLEAR, WITHHELD
from xuxie.evaluation.preference import CORRUPTED, NEGATIVE
from xuxie.evaluation.quarters import BREAKS, HOLDS
from xuxie.evaluation.quarters import UNCLEAR as UNSURE
from xuxie.evaluation.told import FOREIGN, WITH, WITHOUT
from xuxie.report.content import page_content
from xuxie.report.coverage import strips
from xuxie.report.decay import KINDS
from xuxie.report.detectability import detectability_sentences
from xuxie.report.figures import METRICS, figure, interval
from xuxie.report.highlights import output_spans, segments
from xuxie.report.rendering import read_captions as captions_of
from xuxie.report.rendering import render_page
from xuxie.report.tiles import tiles
from xuxie.report.verdict import verdict_sentences
from xuxie.sampling.authors import BASE, HUMAN, TUNED

FOLDER = Path(__file__).parents[2] / "resources" / "report"


read_captions = cache(captions_of)


class Page(html.parser.HTMLParser):
    """What a browser would make of the page: its elements, and the text of each."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.references = [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [
            value
            for name, value in attributes
            if name in ("src", "href", "action", "data", "srcset")
        ]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data):
        self.text.append(data)


@cache
def usual_page(language):
    """The page that most tests look at: its charts take a third of a second."""
    return page(language)


@cache
def usual_text(language):
    return text_of(usual_page(language))


def text_of(source):
    return "".join(Page(source).text)


def page(language, adapters=None, votes=None):
    captions = read_captions(FOLDER, language)
    return render_page(
        FOLDER,
        page_content(
            {"雾港": novel()},
            {"demo": ledger()},
            adapters or {"demo": adapter()},
            CONFIG,
            captions,
            votes,
        ),
        captions,
    )


def leaves(tree, path=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", sorted(re.findall(r"{(\w*)}", value))


def test_both_languages_say_the_same_things():
    chinese, english = (dict(leaves(read_captions(FOLDER, language))) for language in LANGUAGES)
    assert chinese == english
    assert set(METRICS) == set(read_captions(FOLDER, "zh")["metrics"]["names"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_scorers_are_compared_and_written_pairs_measured(language):
    text = usual_text(language)
    assert "0.71" in text and "0.62" in text and "0.53" in text
    assert "follows 0.92, style 0.58" in text
    assert figure(0.437, "percent") in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_foreign_text_stays_text(language):
    found = Page(usual_page(language))
    assert found.tags.count("script") == 1 and found.tags.count("style") == 1
    assert not {"img", "textarea", "iframe", "object", "base"} & set(found.tags)
    text = "".join(found.text)
    # the chapter's title (card and list), the output, the reason, the source, the gate's note, config and manifest
    assert text.count("<script>document.title='owned'</script>") >= 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_loaded(language):
    source = usual_page(language)
    assert Page(source).references == ["data:,"]
    assert not re.search(
        r"url\(|@import|//(?!www\.w3\.org/)\w", re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
    )


def test_every_sample_is_there_to_the_letter():
    shown = usual_text("zh")
    for item in SAMPLES:
        for text in (
            item["prompt"]["input"],
            item["reference"],
            *(output["text"] for output in item["outputs"].values()),
        ):
            assert text in shown


def test_several_adapters_share_the_cards():
    source = page("en", {"short": adapter(), "long": adapter(model="larger")})
    assert source.count('<article class="sample"') == len(SAMPLES)
    text = text_of(source)
    assert "Recipes compared" in text and "base model tiny" in text and "base model larger" in text
    assert "Recipes compared" not in usual_text("en")


VERDICTS = ("better", "worse", UNCLEAR, WITHHELD)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", VERDICTS)
def test_several_adapters_are_compared_whatever_their_verdicts(language, verdict):
    other = adapter(evaluation=evaluation() | {"verdict": verdict})
    text = text_of(page(language, {"short": adapter(), "long": other}))
    assert f"long {read_captions(FOLDER, language)['recipes']['verdicts'][verdict]}" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_an_evaluation_or_a_ledger_may_hold_has_its_words(language):
    """The page looks these up as they stand; one that is missing ends the run's last job."""
    words = read_captions(FOLDER, language)
    decay, told = words["decay"], words["told"]
    for captions, said in (
        (words["recipes"]["verdicts"], VERDICTS),
        (words["verdict"], VERDICTS),
        (words["verdict"]["uses"], ("more", "less", UNCLEAR)),
        (words["verdict"]["formats"], ("bare", "template")),
        (words["detectability"], ("better", "worse", UNCLEAR)),
        (decay["states"], (HOLDS, BREAKS, UNSURE)),
        (decay["names"], KINDS),
        (decay["help"], KINDS),
        (told["state"], (WITHOUT, WITH)),
        (told["outline"], (WITHOUT, WITH, FOREIGN)),
        (told["kinds"], (OUTLINE, SUMMARY)),
        (words["data"]["notes"], SAYINGS),
        (words["data"], ("asked", "candidates", "kept", *SPLITS)),
        (words["data"]["kinds"], (*SPLITS, "without")),
        (words["judge"], (NEGATIVE, CORRUPTED)),
        (words["systems"], (HUMAN, BASE, TUNED)),
    ):
        assert set(said) <= set(captions)


def test_the_judge_is_shown_with_what_it_is_worth():
    judged = {
        "systems": ["tuned", "base"],
        "wins": 5,
        "losses": 2,
        "ties": 1,
        "unjudged": 0,
        "flips": 0.125,
        "win_rate": measured(0.6875, 0.4, 0.9),
    }
    document = evaluation() | {
        "judge": {"endpoint": "oracle", "pairings": [judged], "trusted": False}
    }
    text = text_of(page("en", {"demo": adapter(evaluation=document)}))
    assert "tuned : base" in text and "69%" in text and "prove nothing" in text
    assert "Judged pairs" not in usual_text("en")


def sentences(**changes):
    document = evaluation()
    document |= changes
    return verdict_sentences("demo", document, read_captions(FOLDER, "en"))


def bits(**changes):
    return evaluation()["bits_per_character"] | changes


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_blind_readers_chose_is_shown_where_somebody_read(language):
    chosen = {
        "systems": ["tuned", "base"], "wins": 5, "losses": 2, "ties": 1,
        "win_rate": measured(0.6875, 0.4, 0.9), "judge_agrees": 0.5,
    }  # fmt: skip
    recognised = measured(0.75, 0.5, 0.9) | {"guesses": 8, "chance": 1 / 3}
    votes = {
        "readers": 3, "answers": 8, "elsewhere": 1, "agreement": 0.41,
        "adapters": {"demo": {"pairings": [chosen], "recognised": recognised}},
    }  # fmt: skip
    text = text_of(page(language, votes=votes))
    for shown in ("0.41", "69%", "40% – 90%", "75%", "(50% – 90%)", "33%"):
        assert shown in text
    title = read_captions(FOLDER, language)["sections"]["readers"]
    assert title in text and title not in usual_text(language)


def test_the_verdict_says_what_was_learnt_with_a_number_and_its_uncertainty():
    first, second, *others = sentences()
    assert first.startswith(
        "It has learnt: on 6 chapters that it never saw, demo needs 7.4% fewer bits"
    )
    assert "(5.00 instead of 5.40)" in first
    assert "−0.40" in second and "−0.50 to −0.30" in second and "0.14" in second
    assert "1,500 characters" in second and "1,234 characters" in second
    assert "tuned, the chat template; base, plain continuation" in second
    assert "From character 0 on it repeats itself more than twice as often as the author." in others


@pytest.mark.parametrize(
    "verdict, share, said",
    [("worse", 0.02, "It has not learnt"), ("unclear", -0.02, "needs 2.0% fewer bits"), ("unclear", 0.02, "needs 2.0% more bits")],
)  # fmt: skip
def test_the_headline_signs_what_the_evaluation_decided(verdict, share, said):
    found = bits(relative=measured(share))
    if verdict == "unclear":
        found["difference"] = measured(5 * share, -0.2, 0.2)
    first = sentences(verdict=verdict, bits_per_character=found)[0]
    assert said in first and ("chance" in first) == (verdict == "unclear")


def test_a_base_model_that_has_read_the_novel_is_named():
    read = {"copied": measured(0.34, 0.1, 0.6), "longest": 181}
    said = [
        sentence for sentence in sentences(acquaintance=read) if "has read this novel" in sentence
    ]
    assert len(said) == 1 and "34%" in said[0] and "181" in said[0]
    assert any(
        "no run of 30 characters" in sentence and "9" in sentence for sentence in sentences()
    )


def test_a_measure_that_failed_its_exam_signs_nothing():
    first = sentences(verdict="withheld")[0]
    assert first.startswith("No verdict") and "exam" in first and "has learnt" not in first


def test_what_would_be_enough_is_said_where_there_is_no_verdict():
    found = bits(difference=measured(-0.1, -0.2, 0.1))
    said = sentences(verdict="unclear", bits_per_character=found, enough_chapters=17)
    assert any("17 held-out chapters" in sentence for sentence in said)
    said = sentences(verdict="unclear", bits_per_character=found, enough_chapters=None)
    assert any("no number of chapters" in sentence for sentence in said)
    assert not any("held-out chapters in four runs" in sentence for sentence in sentences())


def test_nothing_follows_from_a_metric_that_is_not_fit():
    blind = exam(
        seq_rep_4=certificate("looping", 0.6, False), copied_30=certificate("recited", 0.6, False)
    )
    assert any("Copied from" in sentence for sentence in sentences())
    assert not any(
        "Copied from" in sentence or "repeats itself" in sentence
        for sentence in sentences(exam=blind)
    )
    labels = [
        [tile["label"] for tile in tiles(document, read_captions(FOLDER, "en"))]
        for document in (evaluation(), evaluation() | {"exam": blind})
    ]
    assert labels[0] == ["bits per character (lower is better)", "repetition", "copied"]
    assert labels[1] == labels[0][:1]
    assert all(label in usual_text("en") for label in labels[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_metric_has_its_certificate_beside_it(language):
    words = read_captions(FOLDER, language)["exam"]
    text = usual_text(language)
    for said in (words["fit"], words["unfit"], words["untried"], "0.61", "0.56 – 0.66"):
        assert said in text
    reason = words["reasons"]["names_invented"]
    assert (
        words["skipped"].format(corruption=words["corruptions"]["names_invented"], reason=reason)
        in text
    )


def test_how_easily_a_system_is_told_from_the_author_is_said_with_its_uncertainty():
    def said(**found):
        document = evaluation()
        document["detectability"] = document["detectability"] | found
        return " ".join(detectability_sentences(document, read_captions(FOLDER, "en")))

    assert "too few to say" in said() and "at least 12 in 3" in said()
    assert said() in usual_text("en")
    auc = {"base": measured(0.93, 0.9, 0.96), "tuned": measured(0.71, 0.6, 0.82)}
    clear = said(windows=24, chapters=6, auc=auc, difference=measured(-0.22, -0.3, -0.14))
    assert "base model: 0.93 (0.90 – 0.96)." in clear and "tuned: 0.71 (0.60 – 0.82)." in clear
    assert "harder to tell from tuned than from base model: −0.22 (−0.30 – −0.14)" in clear
    assert "is not shown" in said(auc=auc, difference=measured(-0.22, -0.5, 0.06))


def test_every_corruption_has_a_name_and_every_skipped_one_a_reason():
    words = read_captions(FOLDER, "en")["exam"]
    passages = cut_passages({("n", 1): "天亮了。" * 60}, chars=100, count=1)
    tried = corrupted(passages, Materials("", "", "", None), seed=0)
    assert set(tried) <= set(words["reasons"])
    assert {*tried, *(name for names in MEANT_FOR.values() for name in names)} <= set(
        words["corruptions"]
    )


def test_a_clear_interval_of_too_few_chapters_is_not_called_chance():
    first = sentences(verdict="unclear")[0]
    assert first.startswith("Too few chapters for a verdict") and "chance" not in first


def test_what_it_makes_of_the_text_before_is_told():
    def told(use):
        gain = bits()["context_gain"] | {"use": use}
        return "".join(sentences(bits_per_character=bits(context_gain=gain)))

    assert "saves it +0.30 bits per character where it saves the base model +0.33" in told(
        "unclear"
    )
    assert "not shown" in told("unclear")
    assert "makes more of what came before" in told("more")
    assert "makes less of what came before" in told("less")
    assert "manner of writing rather than" in told("less")
    # Neither is a fact where the interval holds zero.
    assert "manner of writing rather than" not in told("unclear")
    assert "manner of writing alone or" in told("unclear") and "manner" not in told("more")
    unclear = sentences(verdict="unclear", bits_per_character=bits())
    assert not any("manner of writing" in sentence for sentence in unclear)
    assert "rather than" not in "".join(sentences(bits_per_character=bits(context_gain=None)))


def test_a_fading_lead_is_told_where_a_paired_interval_shows_it():
    told = "From character 100 on its lead over the base model is smaller: −0.10 bits per character, −0.40 at the beginning."
    assert told in sentences()
    steady = [place | {"fades": False} for place in bits()["by_position"]]
    assert not any(
        "lead" in sentence for sentence in sentences(bits_per_character=bits(by_position=steady))
    )


def test_a_single_chapter_has_no_interval():
    single = bits(difference=measured(-0.4), detectable=None)
    assert any(
        "no interval" in sentence
        for sentence in sentences(bits_per_character=single, verdict="unclear")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ladder_of_contexts_is_shown(language):
    text = usual_text(language)
    assert "512" in text and "0.33" in text and "−0.03" in text


def test_a_stop_that_nobody_honours_is_named():
    texts = evaluation()["texts"]
    texts["systems"]["tuned"] = texts["systems"]["tuned"] | {"foreign_stop": measured(0.875)}
    assert any(
        "88%" in sentence and "different templates" in sentence
        for sentence in sentences(texts=texts)
    )
    assert not any("different templates" in sentence for sentence in sentences())


@pytest.mark.parametrize(
    "value, kind, signed, shown",
    [(None, "percent", False, "—"), (0.123, "percent", False, "12%"), (0.0123, "percent", False, "1.2%"), (0, "percent", False, "0%"),
     (1234.4, "whole", False, "1,234"), (-0.256, "decimal", True, "−0.26"), (0.5, "decimal", True, "+0.50")],
)  # fmt: skip
def test_figures(value, kind, signed, shown):
    assert figure(value, kind, signed=signed) == shown


def test_intervals():
    assert interval(measured(1, 0.5, 1.5)) == "0.50 – 1.50"
    assert interval(measured(1)) == ""


def test_highlights_may_overlap():
    cut = segments(
        "零一二三四五六七八九", {"copied": [(2, 6)], "invented": [(4, 5)], "repeating": [(5, 10)]}
    )
    assert [(part.text, part.highlights, part.begins) for part in cut] == [
        ("零一", (), ()), ("二三", ("copied",), ("copied",)), ("四", ("copied", "invented"), ("invented",)),
        ("五", ("copied", "repeating"), ("repeating",)), ("六七八九", ("repeating",), ()),
    ]  # fmt: skip
    assert segments("", {"copied": [(0, 4)]}) == []


def test_highlights_of_an_output():
    found = {"copied": [[0, 3]], "invented_names": [[1, "王五"]], "onset": 4}
    assert output_spans("abcdefgh", found, {"foreign_stop": 6}) == {
        "copied": [(0, 3)], "invented": [(1, 3)], "repeating": [(4, 8)], "unstopped": [(6, 8)],
    }  # fmt: skip
    nothing = {"copied": [], "invented_names": None, "onset": None}
    assert not any(output_spans(HOSTILE, nothing, {"foreign_stop": None}).values())


def test_the_book_is_a_strip_with_what_carries_no_loss_and_why():
    said = usual_text("en")
    assert "98.4% of the 130 characters of the training chapters carry loss" in said
    assert (
        "too near a held-out chapter" in said and "2 chapters, the first of them chapter 3" in said
    )
    runs = strips(ledger())[0]["runs"]
    assert [run["kind"] for run in runs] == ["outside", "train", "without", "test"]
    assert [run["start"] for run in runs] == [0, 20, 276, 280]
    assert sum(run["width"] for run in runs) == 600


def test_no_run_of_a_strip_is_lost_between_cells():
    part = ledger()["novels"]["雾港"] | {"strip": [[0, 3, "train"], [3, 7, "test"]]}
    (strip,) = strips({"novels": {"n": part}})
    assert [(run["kind"], run["width"]) for run in strip["runs"]] == [("train", 257), ("test", 343)]
