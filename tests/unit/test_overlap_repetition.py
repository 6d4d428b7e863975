"""Repetition against hand-counted texts and the extremes: a loop, a text without repetition, nothing."""

import pytest
from xuxie.overlap.repetition import distinct, longest_repeat, repetition_onset, seq_rep


def test_hand_counted():
    # 春眠不觉 眠不觉晓 不觉晓春 觉晓春眠 晓春眠不 春眠不觉: six runs, five different
    assert seq_rep("春眠不觉晓春眠不觉") == pytest.approx(1 / 6)
    assert distinct("春眠不觉晓春眠不觉", 2) == pytest.approx(5 / 8)
    assert longest_repeat("春眠不觉晓春眠不觉") == 4


def test_a_text_without_repetition():
    text = "天地玄黄宇宙洪荒日月盈昃辰宿列张"
    assert (seq_rep(text), distinct(text), longest_repeat(text), repetition_onset(text)) == (
        0,
        1,
        0,
        None,
    )


def test_a_loop():
    text = "他说走吧。" * 100
    assert seq_rep(text) == pytest.approx(1 - 5 / 497)
    assert longest_repeat(text) == 495
    assert repetition_onset(text) == 5


def test_white_space_counts_for_nothing():
    assert seq_rep("春眠\n不觉　晓 春眠不觉") == seq_rep("春眠不觉晓春眠不觉")
    assert longest_repeat("春眠不\n觉晓春　眠不觉") == 4


def test_too_short_to_tell():
    assert (
        seq_rep("春眠"),
        distinct(""),
        longest_repeat(""),
        longest_repeat("春"),
        repetition_onset(""),
    ) == (None, None, 0, 0, None)


def test_where_a_text_begins_to_go_round():
    start = "门开了，外面站着一个没有影子的人，手里提着一盏灭了的灯！"
    loop = "她回头看了一眼，什么也没有。"
    assert repetition_onset(start + loop * 6) == len(start + loop)
    # A refrain long before the circle is no part of it.
    refrain = "灯还没有亮，潮水已经退了。"
    between = "她沿着石阶往下走，数到第三十七级的时候听见海鸥在头顶叫了一声，抬头却只看见一片灰白！"
    assert repetition_onset(refrain + start + refrain + between + loop * 9) == len(
        refrain + start + refrain + between + loop
    )
    # A sentence said twice, after which the story goes on, is a figure of speech.
    assert (
        repetition_onset(
            start
            + loop
            + loop
            + "雾散了以后，他们沿着海岸走到天亮，谁也没有再提起那盏灯和那个人。"
            + "后来春天来得很晚。"
        )
        is None
    )
