"""What holds for any text: spans, cuts, maps, and bytes of every kind."""

import unicodedata
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_case import STEPS
from xuxie.errors import UserError
from xuxie.text.aligned import AlignedText
from xuxie.text.chapters import find_chapters
from xuxie.text.chunks import balanced_cuts, chunks
from xuxie.text.decode import decode
from xuxie.text.layout import lay_out
from xuxie.text.normalise import normalise
from xuxie.text.numerals import number
from xuxie.text.scenes import scenes
from xuxie.text.sentences import sentences
from xuxie.text.source_map import SourceMap, write_source_map
from xuxie.text.sources import Source

ALL_STEPS = dict.fromkeys(STEPS, True)

# Text made of what novels are made of, and of what is hard about them.
pieces = st.sampled_from(
    [
        *"山雪夜他她，。！？；：“”‘’「」『』（）…—．\n\n　 \t.,!?\"'()-aBZ19é\u0301０Ａ々𠮷\u200b\r<&*#|"
    ]
    + [
        "第一章 雨",
        "第二章",
        "\n第三回 雪\n",
        "\n番外\n",
        "\n楔子\n",
        "\n1\n2\n3\n",
        "\n第一部\n",
        "。”",
        "……",
        "Mr. ",
        "e.g. ",
        "“走吧。”他说。",
        "\r\n",
        "\n\n\n",
        "&nbsp;",
        "<br>",
        "www.a.com",
        "求月票",
    ]
)
novel_text = st.lists(pieces, max_size=80).map("".join)
any_text = st.one_of(novel_text, st.text(max_size=200))


def assert_covers(spans, start, end):
    assert all(first < last for first, last in spans)
    assert [start, *(last for _, last in spans)] == [*(first for first, _ in spans), end]


@given(any_text, st.data())
def test_sentences_cover_the_range(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert_covers(sentences(text, start, end), start, end)


@given(any_text)
def test_sentences_of_a_run_of_sentences_are_the_same(text):
    spans = sentences(text)
    for first, _ in spans[:3]:
        for _, last in spans[-3:]:
            if first < last:
                assert sentences(text, first, last) == [
                    span for span in spans if first <= span[0] and span[1] <= last
                ]


@given(any_text, st.integers(1, 60))
def test_chunks_cover_the_range_within_the_budget(text, budget):
    spans = chunks(text, 0, len(text), budget)
    assert_covers(spans, 0, len(text))
    assert all(last - first <= budget for first, last in spans)


@given(any_text, st.integers(20, 100))
def test_chunks_are_whole_sentences_where_the_budget_allows(text, budget):
    whole = sentences(text)
    if all(last - first <= budget for first, last in whole):
        assert {last for _, last in chunks(text, 0, len(text), budget)} <= {
            last for _, last in whole
        }


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 60))
def test_cuts_make_as_few_pieces_as_can_be(costs, budget):
    needed = room = 0
    for cost in costs:
        needed, room = (
            (needed, room - cost) if cost <= room else (needed + 1, max(budget - cost, 0))
        )
    cuts = balanced_cuts(list(accumulate(costs)), budget)
    assert len(cuts) == needed
    assert all(before < after for before, after in pairwise(cuts))
    for first, last in pairwise([-1, *cuts]):
        assert sum(costs[first + 1 : last + 1]) <= budget or last == first + 1


@given(st.integers(2, 500), st.integers(20, 200))
def test_the_last_piece_is_no_crumb(count, budget):
    cuts = balanced_cuts(list(accumulate([7] * count)), budget)
    sizes = [last - first for first, last in pairwise([-1, *cuts])]
    assert max(sizes) - min(sizes) <= 1


@given(any_text, st.integers(5, 80))
def test_scenes_are_ordered_and_lose_nothing_but_blanks(text, size):
    parts = scenes(text, 0, len(text), size)
    assert all(before[1] <= after[0] for before, after in pairwise(parts))
    assert "".join("".join(text[start:end] for start, end in parts).split()) == "".join(
        text.split()
    )


@given(any_text, st.lists(st.integers(0, 200), max_size=4))
def test_chapters_account_for_every_character(text, starts):
    files = [(min(start, len(text)), f"{start}.txt") for start in sorted([0, *starts])]
    try:
        found, findings = find_chapters(text, scene_size=300, files=files)
    except UserError as error:
        assert "nothing under them" in str(error)
        return
    account = dict(findings.characters)
    assert account.pop("text") == sum(account.values()) == len(text)
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(
        text[chapter.start : chapter.end].strip() == text[chapter.start : chapter.end] != ""
        for chapter in found
    )


edit_lists = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 5), st.text("xy", max_size=3)), max_size=6
)


@given(st.integers(0, 60), st.lists(edit_lists, max_size=4))
def test_an_aligned_text_knows_where_what_is_left_comes_from(length, rounds):
    original = "".join(chr(0x4E00 + place) for place in range(length))
    aligned = AlignedText(original)
    for edits in rounds:
        starts, ends, replacements, place = [], [], [], 0
        for start, width, replacement in sorted(edits):
            if place <= start <= len(aligned.text):
                starts.append(start)
                ends.append(min(start + width, len(aligned.text)))
                replacements.append(replacement)
                place = ends[-1] + 1
        before = len(aligned.text)
        tally = aligned.edit(starts, ends, replacements)
        assert before + tally.added - tally.removed == len(aligned.text)
    origins = aligned.origins(np.arange(len(aligned.text)))
    for character, origin in zip(aligned.text, origins.tolist(), strict=True):
        assert character in "xy" or original[origin] == character


def test_every_step_that_can_be_switched_off_is_taken_when_on():
    source = Source("novel.txt", "雨停了。\n".encode(), "text")
    assert STEPS.keys() <= normalise([source], steps=ALL_STEPS).tallies.keys()


@given(any_text, st.dictionaries(st.sampled_from([*STEPS]), st.booleans()))
def test_normalising_adds_up_and_leaves_no_replacement(text, switches):
    source = Source("novel.txt", text.encode("utf-8", "ignore"), "text")
    steps = STEPS | switches
    try:
        result = normalise([source], on_bad_bytes="drop", language="any", steps=steps)
    except UserError as error:
        assert "nothing is left" in str(error) or "no text in any encoding" in str(error)
        return
    totals = result.counts()["characters"]
    assert (
        totals["decoded"] + totals["added"] - totals["removed"]
        == totals["kept"]
        == len(result.aligned.text)
    )
    assert "\ufffd" not in result.aligned.text
    result.aligned.text.encode("utf-8")
    if steps["unicode"] and not steps["simplified"]:
        assert unicodedata.is_normalized("NFC", result.aligned.text)


@given(novel_text)
def test_no_blanks_are_left_around_lines(text):
    aligned = AlignedText("雪" + text.replace("\r", ""))
    lay_out(aligned, join=False)
    lines = aligned.text.removesuffix("\n").split("\n")
    assert all(line == line.strip() for line in lines)
    assert "\n\n\n" not in aligned.text
    assert "".join(aligned.text.split()) == "雪" + "".join(text.split())


@given(novel_text)
def test_a_clean_text_stays_as_it_is(text):
    def cleaned(text):
        return normalise(
            [Source("novel.txt", text.encode(), "text")],
            language="any",
            steps=ALL_STEPS | {"broken_lines": False},
        ).aligned.text

    try:
        once = cleaned("雪。" + text)
    except UserError:
        return
    twice = cleaned(once)
    assert cleaned(twice) == twice


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be"]
)
@settings(max_examples=40)
@given(
    prose=st.lists(
        st.sampled_from(
            [
                "雨下了一夜，到天亮才停。",
                "他想起昨天的事，心中不安。\r\n",
                "　　山上有人，\tabc１２",
                "𠮷\n\n",
                "求月票\n",
                "。。。",
            ]
        ),
        min_size=8,
    )
)
def test_characters_lead_back_to_their_bytes(encoding, prose, tmp_path_factory):
    text = "雨下了一夜，到天亮才停。\n" + "".join(prose)
    data = text.encode(encoding, "ignore")
    folder = tmp_path_factory.mktemp("map")
    (folder / "novel.txt").write_bytes(data)
    source = Source(str(folder / "novel.txt"), data, "text")
    result = normalise(
        [source],
        encoding=encoding,
        steps=STEPS | {"punctuation": False, "fullwidth": False},
    )
    write_source_map(folder / "map.jsonl", result.aligned, result.decoded)
    found = SourceMap(folder / "map.jsonl")
    for position, character in enumerate(result.aligned.text):
        byte = found.locate(position).byte
        if character not in "\n \u3000":
            assert data[byte:].decode(result.decoded[0].encoding)[0] == character


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=400),
        any_text.map(lambda text: text.encode("gb18030", "ignore")),
        any_text.map(lambda text: text.encode("utf-16")),
    )
)
def test_any_bytes_are_a_clear_error_or_text(data):
    for on_bad_bytes in ("error", "drop"):
        try:
            result = normalise(
                [Source("novel.txt", data, "text")],
                language="zh",
                on_bad_bytes=on_bad_bytes,
                steps=STEPS,
            )
            found, _ = find_chapters(result.aligned.text)
        except UserError as error:
            assert "where: " in str(error) and "remedy: " in str(error)
        else:
            assert found and all(
                chunks(result.aligned.text, chapter.start, chapter.end, 50) for chapter in found
            )


@given(st.binary(min_size=1, max_size=30), st.integers(0, 40))
def test_bad_bytes_are_shown_with_their_place(noise, place):
    prose = ("雨下了一夜，到天亮才停。" * 20).encode("utf-8")
    data = prose[: place * 3] + b"\xff" + noise.replace(b"\n", b"") + prose[place * 3 :]
    with pytest.raises(UserError) as raised:
        decode(Source("novel.txt", data, "text"), encoding="utf-8")
    assert f"byte {place * 3}:" in str(raised.value)


@given(st.integers(1, 9999))
def test_numbers_are_read_in_both_chinese_ways(value):
    digits, units = "零一二三四五六七八九", ["", "十", "百", "千"]
    with_units = ""
    for power, digit in zip(range(len(str(value)) - 1, -1, -1), str(value), strict=True):
        with_units += digits[int(digit)] + units[power] if digit != "0" else "零"
    assert number(with_units.rstrip("零")) == value
    assert number("".join(digits[int(digit)] for digit in str(value))) == value
    assert number(str(value)) == value
