"""The author's hand and the people of the novel."""

import random

import pytest
from xuxie.evaluation.style import FUNCTION_CHARACTERS, Style
from xuxie.text.names import NameFinder, mostly_chinese

CHAPTERS = ["他说的是了，她不说。" * 20, "他在的，她在了。也不是。" * 20, "我说他不是的。" * 20]


def test_the_author_s_mean_is_at_no_distance():
    assert Style(["的" * count + "山" * (10 - count) for count in (1, 3, 2)]).delta(
        "的的山山山山山山山山"
    ) == pytest.approx(0)
    assert Style(CHAPTERS).delta("") is None


def test_delta_by_hand():
    # 的 makes up 1/10, 3/10 and 2/10 of the chapters (mean .2, deviation .1); no other function character occurs.
    chapters = ["的" * count + "山" * (10 - count) for count in (1, 3, 2)]
    assert Style(chapters).delta("的" * 5 + "山" * 5) == pytest.approx((0.5 - 0.2) / 0.1)


def test_another_hand_is_farther_than_the_author():
    draw = random.Random(0)

    def text(weights, length=400):
        return "".join(draw.choices("的了是不他她山水云", weights=weights, k=length))

    own, foreign = [9, 7, 5, 4, 3, 2, 9, 9, 9], [2, 2, 9, 9, 7, 6, 9, 9, 9]
    style = Style([text(own) for _ in range(12)])
    assert style.delta(text(own)) < style.delta(text(foreign)) / 2


def test_a_hand_that_is_not_known():
    assert Style(CHAPTERS[:1]).delta(CHAPTERS[1]) is None
    assert Style([]).delta(CHAPTERS[1]) is None
    assert Style(["The fog", "came in"]).delta("The sea") is None


def test_no_function_character_is_counted_twice():
    assert len(set(FUNCTION_CHARACTERS)) == len(FUNCTION_CHARACTERS)


NOVEL = (
    "林阿澈说：“雾来了。”沈若琳笑道：“我知道。”林阿澈望着海，沈若琳望着他。老周叹道：“你们都小心些。”"
    * 4
)


@pytest.fixture(scope="module")
def finder():
    return NameFinder(NOVEL)


def test_names_of_the_novel_are_known(finder):
    text = "林阿澈问：“沈若琳呢？”"
    assert {name for _, name in finder.names(text)} == {"林阿澈", "沈若琳"}
    assert finder.unknown(text, NOVEL) == []


def test_an_invented_name_is_found_where_it_stands(finder):
    text = "林阿澈回过头，王建国说：“不用等了。”"
    assert finder.unknown(text, NOVEL) == [(7, "王建国")]


def test_titles_and_common_words_are_no_names(finder):
    assert finder.names("师爷说：“谢谢。”老翁笑道：“老师也来了。”") == []


def test_a_common_word_that_begins_like_a_family_name_is_none(finder):
    text = "他出了一身冷汗，沿着石阶往上走，心里明白，周围很安静。林阿澈把钱财都给了方雨。"
    assert {name for _, name in finder.names(text)} - {"方雨"} == {"林阿澈"}
    assert finder.unknown("他出了一身冷汗。", NOVEL) == []


def test_a_sentence_without_people_has_no_names(finder):
    assert finder.names("灯塔的光在雾里打着转，潮水退了下去。") == []


def test_what_counts_as_chinese():
    assert mostly_chinese(["雾从海上来 lighthouse"[:8]])
    assert not mostly_chinese(["The fog came from the sea", ""])
    assert not mostly_chinese(["123 ……"])
