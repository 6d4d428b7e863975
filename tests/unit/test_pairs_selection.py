"""Which pairs are kept: none below the threshold, none that repeats or overlaps a better one, and none lost."""

import random

from hypothesis import given
from hypothesis import strategies as st
from xuxie.overlap.duplicates import Duplicates, grams, jaccard
from xuxie.overlap.spans import covered
from xuxie.pairs.selection import dropped_counts, select

SETTINGS = {"threshold": 5, "near_duplicate": 0.8, "max_overlap": 0.5}


def pair(
    number: int,
    start: int,
    end: int,
    score: float | None = 8,
    text: str | None = None,
    chunk: str = "c1",
) -> dict:
    letters = [chr(code) for code in range(0x4E00, 0x9000)]
    completion = text or "".join(random.Random(number).choices(letters, k=end - start))
    return {
        "id": f"p{number}",
        "chunk": chunk,
        "completion": completion,
        "completion_span": [start, end],
        "score": score,
    }


spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20), st.none() | st.integers(0, 10)), max_size=12
)


@given(spans, st.floats(0, 1))
def test_every_pair_is_kept_or_has_its_reason_and_overlap_is_bounded(drawn, max_overlap):
    pairs = [
        pair(number, start, start + size, score)
        for number, (start, size, score) in enumerate(drawn)
    ]
    marked = select(pairs, threshold=5, near_duplicate=0.8, max_overlap=max_overlap)
    assert [row["id"] for row in marked] == [row["id"] for row in pairs]
    assert all(row["kept"] == (row["dropped_because"] is None) for row in marked)
    assert sum(row["kept"] for row in marked) + sum(dropped_counts(marked).values()) == len(pairs)
    kept = sorted(
        (row for row in marked if row["kept"]), key=lambda row: (-row["score"], row["id"])
    )
    taken: set[int] = set()
    for row in kept:
        own = set(range(*row["completion_span"]))
        assert row["score"] >= 5 and len(own & taken) <= max_overlap * len(own)
        taken |= own


@given(spans)
def test_covered_counts_each_character_once(drawn):
    others = [(start, start + size) for start, size, _ in drawn]
    assert covered(20, 50, others) == len(
        set(range(20, 50)) & {place for span in others for place in range(*span)}
    )


def test_the_better_of_two_equal_completions_is_kept():
    text = "他推开门，外面下着雨，院子里一个人也没有，只有那盏灯还亮着。"
    first, second = select(
        [pair(1, 0, 30, 6, text), pair(2, 100, 130, 9, f"{text}\n", "c2")], **SETTINGS
    )
    assert second["kept"] and first["dropped_because"] == "duplicate completion"


def test_near_duplicates_are_told_from_texts_that_only_share_a_part():
    source = random.Random(0)
    text = "".join(source.choices([chr(code) for code in range(0x4E00, 0x4F00)], k=300))
    near = text[:150] + "改" + text[151:]
    half = text[:150] + "".join(
        source.choices([chr(code) for code in range(0x5000, 0x5100)], k=150)
    )
    marked = select(
        [pair(1, 0, 300, 9, text), pair(2, 0, 300, 8, near, "c2"), pair(3, 0, 300, 7, half, "c3")],
        **SETTINGS,
    )
    assert [row["dropped_because"] for row in marked] == [None, "near duplicate completion", None]
    assert select(
        [pair(1, 0, 300, 9, text), pair(2, 0, 300, 8, near, "c2")],
        **{**SETTINGS, "near_duplicate": 1},
    )[1]["kept"]


def test_min_hash_finds_what_comparing_all_with_all_finds():
    source = random.Random(1)
    letters = [chr(code) for code in range(0x4E00, 0x5000)]
    texts = []
    for _ in range(60):
        text = source.choices(letters, k=200)
        edits = source.randrange(0, 12)
        changed = list(text)
        for place in source.sample(range(200), edits):
            changed[place] = source.choice(letters)
        texts += ["".join(text), "".join(changed)]
    seen, kept = Duplicates(0.8), []
    for text in texts:
        expected = any(jaccard(grams(text), grams(other)) >= 0.8 for other in kept)
        assert (seen.kind_of(text) is not None) == expected
        if not expected:
            seen.add(text)
            kept.append(text)
    assert 60 < len(kept) < 115


def test_a_score_that_is_missing_is_said_to_be():
    assert select([pair(1, 0, 10, None)], **SETTINGS)[0]["dropped_because"] == "not scored"


def test_what_an_llm_wrote_freely_overlaps_nothing_and_is_overlapped_by_nothing():
    """Its span is the whole chunk, whether or not every few characters of it stand somewhere in the novel."""
    written = [
        {**pair(1, 0, 600, 9, "甲乙丙丁戊己庚辛"), "verbatim": 0.2},
        {**pair(2, 0, 600, 9, "壬癸子丑寅卯辰巳"), "verbatim": 1.0},
    ]
    copied = [{**pair(number, 100, 180, 8), "verbatim": 1.0} for number in (3, 4)]
    marked = select([*written, *copied], **SETTINGS)
    assert [row["dropped_because"] for row in marked] == [None, None, None, "overlaps a better pair"]  # fmt: skip
