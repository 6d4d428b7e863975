"""The proof of no leak: the answer is that of comparing all passages, whatever the hashes do."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xuxie.errors import UserError
from xuxie.overlap import leakage
from xuxie.overlap.leakage import Texts, check_no_leak, leaking_rows, leaks, shared_spans
from xuxie.overlap.ngrams import LEAK_NGRAM


def corpus(texts: list[str], prefix: str) -> Texts:
    return Texts([f"{prefix}{index}" for index in range(len(texts))], texts)


def runs(text: str) -> set[str]:
    dense = "".join(text.split())
    return {dense[start : start + LEAK_NGRAM] for start in range(len(dense) - LEAK_NGRAM + 1)}


# Few letters, so that passages are shared often; parts are repeated on both sides.
part = st.text("ab雨😀 \n", min_size=20, max_size=70)
sides = st.lists(part, min_size=1, max_size=3).flatmap(
    lambda parts: st.tuples(
        *[st.lists(st.lists(st.sampled_from(parts), max_size=4).map("".join), max_size=4)] * 2
    )
)


@pytest.mark.parametrize(
    "base", [leakage._BASE, np.uint64(1)], ids=["hashes", "hashes that collide"]
)
@settings(max_examples=60)
@given(sides)
def test_it_finds_what_comparing_all_passages_finds(base, both):
    train, held_out = both
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "_BASE", base)
        trained, others = corpus(train, "t"), corpus(held_out, "h")
        found = leaks(others, trained)
        dropped = leaking_rows(trained, others)
        spans = shared_spans(train, others)
    known = set().union(*map(runs, train)) if train else set()
    expected = {f"h{index}" for index, text in enumerate(held_out) if runs(text) & known}
    assert {leak.held_out for leak in found} == expected
    assert {run for leak in found for run in runs(leak.passage)} == {
        run for text in held_out for run in runs(text)
    } & known
    wanted = set().union(*map(runs, held_out)) if held_out else set()
    assert dropped == {f"t{index}" for index, text in enumerate(train) if runs(text) & wanted}
    for text, shared in zip(train, spans, strict=True):
        dense = [place for place, char in enumerate(text) if not char.isspace()]
        touched = {
            place
            for first in range(len(dense) - LEAK_NGRAM + 1)
            if "".join(text[place] for place in dense[first : first + LEAK_NGRAM]) in wanted
            for place in dense[first : first + LEAK_NGRAM]
        }
        assert touched == {place for start, end in shared for place in range(start, end)} & set(
            dense
        )
        assert all(end < start for (_, end), (start, _) in itertools.pairwise(shared))
        assert not any(text[place].isspace() for start, end in shared for place in (start, end - 1))


def test_a_passage_of_50_characters_stops_the_run_and_is_named_with_both_rows():
    passage = "".join(chr(0x4E00 + index) for index in range(LEAK_NGRAM + 5))
    train = corpus(["开头。" + passage + "结尾。", "别的。" * 30], "train-")
    with pytest.raises(UserError) as caught:
        check_no_leak(
            train, corpus(["别处", passage[:20] + "\n" + passage[20:]], "test-"), where="dataset d"
        )
    said = str(caught.value)
    assert (
        said.startswith("6 passages")
        and passage in said
        and "test-1" in said
        and "train-0" in said
        and "on_leak" in said
    )


def test_49_characters_are_no_leak_and_no_passage_goes_over_the_end_of_a_row():
    passage = "".join(chr(0x4E00 + index) for index in range(LEAK_NGRAM))
    proof = check_no_leak(
        corpus([passage[:-1], passage[:25]], "t"), corpus([passage, passage[25:]], "h"), where=""
    )
    assert proof == {"trained": 0, "held_out": 1, "shared": 0}
    assert check_no_leak(corpus([], "t"), corpus([passage], "h"), where="")["shared"] == 0
