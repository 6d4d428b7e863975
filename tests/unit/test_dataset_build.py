"""From a novel to rows: the whole of the training chapters carries loss, or it is said why not."""

import itertools
import json

import pytest
from dataset_case import CHAPTERS, built, novel, novel_text, paragraph, settings
from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.dataset.alpaca import prose
from xuxie.dataset.audit import audit
from xuxie.dataset.build import build
from xuxie.dataset.files import DatasetFiles, NovelFiles
from xuxie.dataset.ledger import ledger
from xuxie.dataset.novel import Novel
from xuxie.errors import UserError
from xuxie.text.sentences import bounds


def account(made: Novel) -> dict:
    files = NovelFiles(
        made.text, {"characters": {}, "steps": {}}, chapters=made.chapters, pairs=list(made.pairs)
    )
    return ledger("n", [made], {"n": files}, {"shared": 0}, {}, {})["novels"]["n"]


def sums_that_differ(made: Novel) -> list[dict]:
    """What an audit of the ledger finds, as in `check_ledger`."""
    size = len(made.text)
    chapters = sum(chapter["end"] - chapter["start"] for chapter in made.chapters)
    kept = {"decoded": size, "added": 0, "removed": 0, "kept": size}
    files = NovelFiles(
        made.text,
        {"characters": kept, "steps": {}, "sources": [{"characters": size}]},
        chapters=made.chapters,
        findings={"characters": {"text": size, "chapters": chapters, "other": size - chapters}},
        pairs=list(made.pairs),
    )
    written = ledger("n", [made], {"n": files}, {"shared": 0}, {}, {})
    texts = {f"{split}_text": texts for split, texts in made.texts.items()}
    dataset = DatasetFiles(made.rows, texts, made.unplaced_rows(), made.untrained())
    return audit(json.loads(json.dumps(written)), dataset, {"n": files}).differing


def pair(made: Novel, chapter: int, start: int, end: int, score: float, name: str) -> dict:
    """A kept pair whose completion are these sentences of a chapter, the sentence before them its prompt."""
    edges = bounds(made.text, *made.span(chapter))
    spans = [edges[start - 1], edges[start]], [edges[start], edges[end]]
    return {
        "id": name, "chunk": "c", "novel": "n", "chapter": chapter, "length": "short", "score": score, "kept": True, "dropped_because": None,
        "prompt": made.text[slice(*spans[0])], "completion": made.text[slice(*spans[1])], "prompt_span": spans[0], "completion_span": spans[1],
    }  # fmt: skip


def trained_chapter(made: Novel, which: int = 0) -> int:
    return list(made.of_split("train"))[which]


@pytest.fixture(scope="module")
def plain() -> Novel:
    return built(novel_text())


def test_the_rows_of_every_chapter_tile_it_from_end_to_end_without_any_llm(plain):
    for number, split in plain.splits.items():
        spans = [row["completion_span"] for row in plain.rows[split] if row["chapter"] == number]
        assert [spans[0][0], spans[-1][1]] == list(plain.span(number))
        assert all(left[1] == right[0] for left, right in itertools.pairwise(spans))
        assert set(itertools.chain(*spans)) <= set(bounds(plain.text, *plain.span(number)))
    assert account(plain)["coverage"]["share"] == 1
    assert {row["cut_by"] for rows in plain.rows.values() for row in rows} == {"structure"}


def test_prompts_reach_back_through_the_chapter_in_a_mix_of_lengths(plain):
    for row in plain.rows["train"]:
        start, end = row["prompt_span"]
        first = plain.span(row["chapter"])[0]
        assert end == row["completion_span"][0] and first <= start
        assert plain.text[start:end] == row["input"] or (
            start == first and row["input"].startswith("第")
        )
        assert start in bounds(plain.text, *plain.span(row["chapter"]))
    lengths = [len(row["input"]) for row in plain.rows["train"]]
    # Sentences have up to 40 characters: 100, 400 and 1,000 are met to within one.
    assert all(
        any(wanted - 45 < length <= wanted for length in lengths) for wanted in (100, 400, 1000)
    )
    assert max(lengths) > 1000


def test_a_chapter_opens_after_its_heading(plain):
    for rows in plain.rows.values():
        openings = [
            row for row in rows if row["completion_span"][0] == plain.span(row["chapter"])[0]
        ]
        assert openings
        for row in openings:
            assert row["input"] == f"第{row['chapter']}章 题目{row['chapter']}"
            assert row["prompt_span"][0] == row["prompt_span"][1]


def test_whole_texts_hold_what_may_be_trained_on_and_val_chapters(plain):
    for split, texts in plain.texts.items():
        assert [(text["chapter"], *text["span"]) for text in texts] == [
            (number, *plain.span(number)) for number in plain.of_split(split)
        ]
        assert all(text["text"] == plain.text[slice(*text["span"])] for text in texts)


def test_test_rows_are_the_same_for_every_recipe(plain):
    kept = [pair(plain, number, 5, 12, 9, f"p{number}") for number in range(1, CHAPTERS + 1)]
    other = built(
        plain.text, pairs=kept, near_duplicate=0.6, lengths=["short"], history={"share": 1},
        rows={"completions": [{"name": "x", "characters": [40, 90]}], "prompts": [50], "cuts": ["pairs"]},
        split={"gap": 300},
    )  # fmt: skip
    assert other.rows["test"] == plain.rows["test"] and len(plain.rows["test"]) > 20
    assert other.rows["train"] != plain.rows["train"]
    shorter = built(plain.text, chars=(100, 400))
    assert len(shorter.rows["test"]) > 1.8 * len(plain.rows["test"])
    assert shorter.rows["train"] == plain.rows["train"]


def test_kept_pairs_cut_rows_and_structure_cuts_the_rest(plain):
    chapter, watched, held_out = (next(plain.of_split(split)) for split in ("train", "val", "test"))
    kept = [
        pair(plain, chapter, 5, 12, 8, "good"),
        pair(plain, chapter, 9, 14, 7, "beaten"),
        pair(plain, watched, 5, 12, 8, "watched"),
        pair(plain, held_out, 5, 12, 8, "held-out"),
        {
            **pair(plain, chapter, 30, 36, 2, "bad"),
            "kept": False,
            "dropped_because": "score below threshold",
        },
    ]
    made = built(plain.text, pairs=kept)
    assert made.unplaced == {
        "beaten": "overlaps a better pair's row",
        "held-out": "in a held-out chapter",
    }
    by_id = {row["id"]: row for split in ("train", "val") for row in made.rows[split]}
    for name in ("good", "watched"):
        assert by_id[name]["cut_by"] == "reader"
        assert by_id[name]["output"] == next(p for p in kept if p["id"] == name)["completion"]
    assert by_id["good"]["prompt_span"] != kept[0]["prompt_span"]
    found = account(made)
    assert found["coverage"]["share"] == 1 and found["rows_cut_by"]["train"]["reader"] == 1
    own = built(plain.text, pairs=kept, rows={"own_prompts": True})
    assert (
        next(row for row in own.rows["train"] if row["id"] == "good")["input"] == kept[0]["prompt"]
    )


def test_rows_without_overlap_show_every_character_once_and_learn_it(plain):
    chapter = trained_chapter(plain)
    kept = [pair(plain, chapter, 20, 27, 8, "good"), pair(plain, chapter, 27, 33, 8, "next")]
    made = built(plain.text, pairs=kept, rows={"overlap": False})
    for number, split in plain.splits.items():
        if split == "test":
            continue
        rows = [row for row in made.rows[split] if row["chapter"] == number]
        assert [row["span"][0] for row in rows] + [plain.span(number)[1]] == [
            plain.span(number)[0],
            *(row["span"][1] for row in rows),
        ]
        for row in rows:
            assert row["learnt"] == row["span"]
            assert made.text[slice(*row["span"])] == row["input"] + row["output"]
            assert row["input"] and row["output"]
    (good,) = [row for row in made.rows["train"] if row["id"] == "good"]
    assert good["output"] == kept[0]["completion"] and good["cut_by"] == "reader"
    assert made.unplaced == {"next": "stands in another row's prompt"}
    assert account(made)["coverage"]["share"] == 1
    assert made.rows["test"] == plain.rows["test"]


def test_prompts_that_carry_no_loss_are_not_counted_as_learnt(plain):
    kept = [pair(plain, trained_chapter(plain), 20, 27, 8, "good")]
    made = built(plain.text, pairs=kept, rows={"cuts": ["pairs"], "prompts": [10_000]})
    (row,) = made.rows["train"]
    assert row["learnt"] == row["completion_span"] and len(row["input"]) > 100
    without = account(made)["coverage"]["without"]
    assert without["in prompts alone"] == len(row["input"])


def test_a_short_stretch_without_overlap_is_one_row(plain):
    text = plain.text + "第15章 短\n\n只有一句。\n"
    made = built(text, rows={"overlap": False})
    ((row),) = [row for rows in made.rows.values() for row in rows if row["chapter"] == 15]
    assert row["output"] == "只有一句。"


def test_pairs_alone_leave_the_rest_without_loss_and_say_why(plain):
    kept = [pair(plain, trained_chapter(plain), 5, 12, 8, "good")]
    made = built(plain.text, pairs=kept, rows={"cuts": ["pairs"]})
    assert [row["id"] for row in made.rows["train"]] == ["good"]
    found = account(made)["coverage"]
    assert found["carrying_loss"] == len(kept[0]["completion"])
    assert set(found["without"]) == {"in no row", "in prompts alone"}
    # The loss that is watched stands for the whole of its chapters.
    assert sum(len(row["output"]) for row in made.rows["val"]) == sum(
        end - start for start, end in map(made.span, made.of_split("val"))
    )
    with pytest.raises(UserError, match="no row is left to train on"):
        built(plain.text, rows={"cuts": ["pairs"]})


def test_a_gap_takes_whole_sentences_next_to_held_out_chapters_and_says_so(plain):
    made = built(plain.text, split={"gap": 60})
    held_out = [made.span(number) for number in made.of_split("val", "test")]
    for row in [*made.rows["train"], *made.texts["train"]]:
        assert all(
            row["span"][0] - end >= 60 or start - row["span"][1] >= 60 for start, end in held_out
        )
    found = account(made)["coverage"]
    assert 0 < found["without"]["too near a held-out chapter"] < 2 * 110 * len(held_out)
    assert found["carrying_loss"] + sum(found["without"].values()) == found["characters"]
    assert sum(len(row["text"]) for row in made.texts["train"]) == found["carrying_loss"]


def repeating(plain: Novel) -> str:
    """A novel in which a training chapter tells two sentences of a held-out one again."""
    told = paragraph(next(plain.of_split("test")), 7) + paragraph(next(plain.of_split("test")), 8)
    place = plain.text.index(paragraph(trained_chapter(plain, 3), 20))
    return plain.text[:place] + told + plain.text[place:]


def test_what_a_held_out_chapter_tells_too_is_left_out_of_rows_and_texts(plain):
    text = repeating(plain)
    made = built(text)
    assert made.splits == plain.splits
    told = paragraph(next(plain.of_split("test")), 7)[:20]
    shown = [prose(row) for row in made.rows["train"]] + [
        row["text"] for row in made.texts["train"]
    ]
    assert not any(told in passage for passage in shown)
    found = account(made)["coverage"]
    assert set(found["without"]) == {"shares a passage with a held-out chapter"}
    assert 100 < found["without"]["shares a passage with a held-out chapter"] < 250
    with pytest.raises(UserError, match="passages of 50 characters of held-out rows") as caught:
        built(text, split={"on_leak": "stop"})
    assert told in str(caught.value)


def test_a_completion_that_repeats_another_is_left_out_of_rows_and_texts(plain):
    first, later = trained_chapter(plain, 1), trained_chapter(plain, 4)
    kept = [pair(plain, first, 5, 12, 8, "told")]
    place = plain.span(later)[1]
    text = plain.text[:place] + "\n" + kept[0]["completion"].rstrip() + plain.text[place:]
    made = novel(text)
    edges = bounds(text, *made.span(later))
    again = pair(
        made,
        later,
        edges.index(text.rindex(kept[0]["completion"][:30])),
        len(edges) - 1,
        8,
        "again",
    )
    made = built(text, pairs=[*kept, again])
    assert made.unplaced == {"again": "duplicate of another completion"}
    assert account(made)["coverage"]["without"] == {
        "duplicate of another completion": len(again["completion"])
    }
    assert not any(
        text["span"][0] <= again["completion_span"][0] < text["span"][1]
        for text in made.texts["train"]
    )


def test_novels_of_one_dataset_share_held_out_text_with_no_training_row(plain):
    held_out = next(plain.of_split("test"))
    other_text = novel_text(CHAPTERS).replace("题目", "别题")
    other_text = "".join(
        chr(ord(char) + 3000) if "\u4e00" <= char <= "\u8fff" and char not in "第章题目" else char
        for char in other_text
    )
    one, other = novel(plain.text, "n"), None
    place = other_text.index("\n\n", len(other_text) // 2)
    other = novel(other_text[:place] + "\n" + paragraph(held_out, 5) + other_text[place:], "m")
    config = {
        "novels": {"n": {"path": "n"}, "m": {"path": "m"}},
        "datasets": {"d": {"novels": ["n", "m"]}},
    }
    complete_config(config, REPOSITORY / "config/schema.yaml")
    leak = build(
        [one, other],
        config["datasets"]["d"],
        dataset="d",
        generator=None,
        language="zh",
        completion_chars=250,
        prompt_chars=400,
    )
    assert leak["shared"] == 0 and leak["trained"] > 10_000
    assert not any(paragraph(held_out, 5)[:50] in row["text"] for row in other.texts["train"])


def test_what_is_odd_about_chapters_is_noted_by_name(plain):
    assert plain.notes == []
    odd = (
        plain.text
        + "第15章 短\n\n只有一句。\n\n第16章 长\n\n"
        + "他走了，" * 300
        + "。\n\n第17章 密\n\n"
        + "他走了。" * 300
    )
    made = built(odd)
    assert [(note["what"], note["count"], note["first"]) for note in made.notes] == [
        ("short_chapters", 1, 15),
        ("no_paragraphs", 2, 16),
        ("long_sentences", 1, 16),
    ]
    every = [row for rows in made.rows.values() for row in rows]
    assert [row["output"] for row in every if row["chapter"] == 15] == ["只有一句。"]
    assert max(len(row["output"]) for row in every) <= 900


def test_what_an_llm_wrote_stands_beside_the_text_and_must_not_leak_either(plain):
    chapter, held_out = trained_chapter(plain), next(plain.of_split("test"))
    new = "".join(chr(0x9000 + place) for place in range(60)) + "。"
    kept = [
        {**pair(plain, chapter, 5, 12, 8, "new"), "prompt": "有人写道：", "completion": new},
        {
            **pair(plain, chapter, 20, 26, 8, "told"),
            "completion": "然后，" + paragraph(held_out, 5) + paragraph(held_out, 6),
        },
    ]
    made = built(plain.text, pairs=kept)
    assert made.unplaced == {"told": "shares a passage with a held-out row"}
    (written,) = [row for row in made.rows["train"] if row["cut_by"] == "reader"]
    assert (written["id"], written["input"], written["output"]) == ("new", "有人写道：", new)
    found = account(made)
    # Its span is what it was written from, and is cut by structure as well.
    assert found["coverage"]["share"] == 1
    assert sum(found["characters"]["kept"].values()) == sum(
        end - start for start, end in map(made.span, made.splits)
    )
    with pytest.raises(UserError, match="passages of 50 characters"):
        built(plain.text, pairs=kept, split={"on_leak": "stop"})


def interludes(told: int = 0) -> str:
    """A novel of which every second chapter has the same heading and the same opening, of 45 characters.

    Args:
        told: the number of a chapter that tells heading and opening again in its midst; 0 for none.
    """
    opening = "Somewhere far to the north, in the hall of the old king, "
    text = ""
    for number in range(1, 13):
        lines = [paragraph(number, place) for place in range(40)]
        if number == told:
            lines.insert(20, f"Interlude {opening}{paragraph(50, 0)}")
        text += f"Chapter {number}\n\n{''.join(lines)}\n"
        lines = [paragraph(number + 20, place) for place in range(20)]
        text += f"Interlude\n\n{opening}{''.join(lines)}\n"
    return text


@pytest.mark.parametrize("overlap", [True, False])
def test_openings_that_are_alike_together_with_their_headings_stand_without_heading(overlap):
    made = built(interludes(), rows={"overlap": overlap}, split={"on_leak": "drop"})
    openings = [
        row
        for row in made.rows["train"]
        if row["completion_span"][0] == made.span(row["chapter"])[0]
    ]
    # Without overlap a chapter's first stretch is a prompt, and no heading is shown.
    assert {row["input"] for row in openings if row["output"].startswith("Somewhere")} == (
        {""} if overlap else set()
    )
    assert overlap is any(row["input"].startswith("Chapter") for row in openings)
    assert sums_that_differ(made) == [] and not made.unplaced
    assert account(made)["coverage"]["share"] == 1
    if overlap:
        with pytest.raises(UserError, match="passages of 50 characters"):
            built(interludes(), split={"on_leak": "stop"})


def test_a_held_out_heading_and_opening_that_a_training_chapter_tells_are_left_out():
    plain = built(interludes(), rows={"overlap": False})
    number = next(
        number
        for number in plain.of_split("train")
        if plain.heading(number).startswith("Chapter") and number > 1
    )
    made = built(interludes(told=int(plain.heading(number).split()[1])), rows={"overlap": False})
    assert made.splits == plain.splits
    shown = [prose(row) for row in made.rows["train"]] + [
        row["text"] for row in made.texts["train"]
    ]
    assert not any("Interlude" in text for text in shown)
    assert sums_that_differ(made) == []


def test_a_row_that_is_told_what_a_held_out_chapter_says_goes_untold(plain):
    held_out = paragraph(next(plain.of_split("test")), 20).strip()
    spoilt, other = plain.rows["train"][3], plain.rows["train"][4]
    made = novel(plain.text)
    made.outlines = {spoilt["id"]: held_out * 2, other["id"]: "他走了。"}
    build([made], settings(), dataset="n", generator=None, completion_chars=250, prompt_chars=400)
    assert made.rows["train"][3] == spoilt
    assert made.rows["train"][4]["outline"] == "【接下来：他走了。】"
    assert sums_that_differ(made) == [] and len(made.rows["train"]) == len(plain.rows["train"])


def test_where_nothing_is_left_to_train_on_it_is_said_what_took_it(plain):
    with pytest.raises(UserError, match="too near a held-out chapter") as caught:
        built(plain.text, split={"gap": 1_000_000})
    assert "split.gap" in str(caught.value) and "no structure" not in str(caught.value)


def unpunctuated(length: int = 1900) -> tuple[str, str]:
    """A novel with a sentence beyond every completion, whose tiles end within it and repeat each other; and that sentence."""
    endless = "哈" * length + "。"
    text = novel_text()
    place = text.index(paragraph(4, 20))
    return text[:place] + endless + "\n" + text[place:], endless


@pytest.mark.parametrize("overlap", [True, False])
def test_tiles_that_end_within_a_sentence_that_is_taken_out_go_with_it(overlap):
    text, endless = unpunctuated()
    made = built(text, rows={"overlap": overlap})
    assert made.splits[4] == "train" and made.unplaced == {}
    assert not any("哈" in prose(row) for row in made.rows["train"])
    without = account(made)["coverage"]["without"]
    # The tiles around it have whole sentences as well, which stand in prompts still.
    repeated = [count for why, count in without.items() if why.endswith("of another completion")]
    assert len(endless) <= sum(repeated) <= sum(without.values()) <= len(endless) + 900
    assert sums_that_differ(made) == []


@pytest.mark.parametrize("overlap", [True, False])
def test_a_pair_in_a_sentence_that_is_taken_out_is_no_row_and_it_is_said_why(overlap):
    """An LLM that writes may copy from within a sentence to within a sentence."""
    text, endless = unpunctuated()
    start = text.index(endless) + 1850
    copied = {
        "id": "copied", "chunk": "c", "novel": "n", "chapter": 4, "length": "short", "score": 9, "kept": True, "dropped_because": None,
        "prompt": "有人笑了。", "completion": text[start : start + 90], "prompt_span": [start - 50, start], "completion_span": [start, start + 90],
    }  # fmt: skip
    made = built(text, pairs=[copied], rows={"overlap": overlap})
    assert list(made.unplaced) == ["copied"] and "duplicate" in made.unplaced["copied"]
    assert not any(row["id"] == "copied" for row in made.rows["train"])
    assert sums_that_differ(made) == []
