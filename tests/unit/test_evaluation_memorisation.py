"""Copies against a search by hand, on random texts of few characters, where runs are long and many."""

import random

from xuxie.evaluation.memorisation import copied_runs, copy_lengths

NOVEL = "雾从海上来，灯塔的光在雾里打着转。阿澈数到第七下，听见有人敲门，敲了三下，停一停，又敲了三下，像是怕吵醒谁。"


def by_hand(training, text):
    training, found = "".join(training.split()), []
    for start, character in enumerate(text):
        rest, length = "".join(text[start:].split()), 0
        while length < len(rest) and rest[: length + 1] in training:
            length += 1
        found.append(0 if character.isspace() else length)
    return found


def test_equals_a_search_by_hand():
    draw = random.Random(0)
    training = "".join(draw.choices("春夏秋 \n", k=400))
    texts = ["".join(draw.choices("春夏秋冬 \n", k=60)) for _ in range(8)] + [
        "",
        " ",
        "冬",
        training[50:90],
    ]
    assert copy_lengths(training, texts) == [by_hand(training, text) for text in texts]


def test_a_copy_is_copied_whole_and_a_shuffle_is_not():
    copy = NOVEL[5:50]
    shuffled = "".join(random.Random(1).sample(copy, len(copy)))
    copied, mixed = copy_lengths(NOVEL, [copy, shuffled])
    assert max(copied) == 45 and copied_runs(copy, copied) == [(0, 45)]
    assert max(mixed) < 6 and copied_runs(shuffled, mixed) == []


def test_a_copy_within_a_text_is_found_where_it_stands():
    text = "他想起：" + NOVEL[3:40] + "可是天亮了。"
    (lengths,) = copy_lengths(NOVEL, [text])
    assert copied_runs(text, lengths) == [(4, 41)]
    assert copied_runs(text, lengths, run=38) == []


def test_white_space_does_not_hide_a_copy():
    text = NOVEL[3:20] + "\n\n　　" + NOVEL[20:45]
    (lengths,) = copy_lengths(NOVEL, [text])
    assert max(lengths) == 42 and copied_runs(text, lengths) == [(0, len(text))]


def test_one_text_is_no_copy_of_another_text():
    lengths = copy_lengths("", [NOVEL, NOVEL])
    assert {max(found) for found in lengths} == {0}


def test_runs_beyond_the_basic_plane():
    text = "𠮷野家" * 15
    (lengths,) = copy_lengths(text, [text])
    assert lengths[0] == 45
