"""Corruptions on a passage whose every sentence is told from every other, and the certificates of metrics that are plainly good or blind."""

import random

import pytest
from xuxie.evaluation import corruptions
from xuxie.evaluation.exam import (
    MEANT_FOR,
    OUT_OF_PLACE,
    TRUE,
    Materials,
    corrupted,
    cut_passages,
    grade,
)
from xuxie.text.names import NameFinder
from xuxie.text.sentences import bounds

PASSAGE = "林阿澈把灯举高，照着石阶。沈若琳站在雾里，一句话也不说。码头上传来三声汽笛，又短又哑。老人收起渔网，往家里走去。天快亮了，潮水还没有退下去。"
OTHER = "那年的雪下得很早，山路都封住了。他背着一捆柴，走了整整一夜。庙里的和尚给他开了门，端来热粥。粥里有枣，他数了数，一共七颗。他没有吃完就睡着了。"


def draw(seed=0):
    return random.Random(seed)


def sentences(text):
    edges = bounds(text, 0, len(text))
    return [text[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize("seed", range(5))
def test_a_shuffle_keeps_every_sentence_and_changes_the_order(seed):
    found = corruptions.shuffled(PASSAGE, draw(seed))
    assert found != PASSAGE and sorted(sentences(found)) == sorted(sentences(PASSAGE))
    assert corruptions.shuffled("走吧。走吧。走吧。", draw(seed)) is None


def test_the_second_half_is_of_another_chapter():
    found = corruptions.joined(PASSAGE, OTHER)
    own = [sentence for sentence in sentences(found) if sentence in PASSAGE]
    assert 0 < len(own) < len(sentences(PASSAGE)) and found.startswith("".join(own))
    assert found[len("".join(own)) :] in OTHER and len(found) <= len(PASSAGE)
    assert corruptions.joined("没有句号的一整段话", OTHER) is None


def test_names_change_places():
    names = [(0, "林阿澈"), (PASSAGE.index("沈若琳"), "沈若琳")]
    found = corruptions.names_swapped(PASSAGE, names, [], draw())
    assert found == PASSAGE.replace("林阿澈", "＃").replace("沈若琳", "林阿澈").replace(
        "＃", "沈若琳"
    )
    alone = corruptions.names_swapped(PASSAGE, names[:1], ["林阿澈", "老周头"], draw())
    assert alone == PASSAGE.replace("林阿澈", "老周头")
    assert corruptions.names_swapped(PASSAGE, [], ["老周头"], draw()) is None
    assert corruptions.names_swapped(PASSAGE, names[:1], ["林阿澈"], draw()) is None


def test_an_invented_name_is_none_of_the_novel_s():
    names = [(0, "林阿澈")]
    for seed in range(20):
        found = corruptions.names_invented(PASSAGE, names, "王建国", draw(seed))
        assert "林阿澈" not in found and "王建国" not in found and found.endswith(PASSAGE[3:])


@pytest.mark.parametrize("seed", range(8))
def test_a_loop_begins_within_and_never_ends(seed):
    found = corruptions.looping(PASSAGE, draw(seed))
    assert len(found) == len(PASSAGE)
    same = next(i for i, (a, b) in enumerate(zip(found, PASSAGE, strict=True)) if a != b)
    assert len(PASSAGE) / 4 < same < len(PASSAGE)
    tail = found[-12:]
    assert found.count(tail[:4]) > 1
    assert corruptions.looping("没有句号的一整段话", draw(seed)) is None


def test_a_register_is_made_modern_where_there_is_something_old():
    old = "那丫头笑道：“爹，郎中如何还不来？”"
    assert corruptions.modern(old) == "那女孩笑着说：“爸爸，医生怎么还不来？”"[: len(old)]
    assert corruptions.modern(PASSAGE) is None


def test_an_end_is_cut_off_within_the_last_sentence():
    found = corruptions.cut_off(PASSAGE)
    last = sentences(PASSAGE)[-1]
    assert PASSAGE.startswith(found) and 0 < len(PASSAGE) - len(found) < len(last)
    assert corruptions.cut_off("好。") is None


def chapter(number):
    return f"第{number}章 灯\n\n" + "".join(
        f"林阿澈第{number}{index:02d}次点亮了灯塔上的那盏灯，沈若琳在下面数着。"
        for index in range(40)
    )


CHAPTERS = {("n", number): chapter(number) for number in range(1, 5)}


def test_passages_are_whole_sentences_of_about_one_length_from_every_chapter():
    found = cut_passages(CHAPTERS, chars=120, count=12)
    assert [passage.chapter[1] for passage in found] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    for passage in found:
        text = CHAPTERS[passage.chapter]
        assert 96 <= len(passage.text) <= 120 and "章" not in passage.text
        assert text[text.index(passage.text) - 1] in "。\n" and passage.text.endswith("。")
        assert (passage.context + passage.text) in text


def test_a_corruption_is_no_longer_than_the_passage_and_the_same_every_time():
    novel = "".join(CHAPTERS.values())
    passages = cut_passages(CHAPTERS, chars=120, count=8)
    materials = Materials(novel, novel * 2, OTHER * 9, NameFinder(novel))
    found = corrupted(passages, materials, seed=3)
    assert found == corrupted(passages, materials, seed=3) != corrupted(passages, materials, seed=4)
    tried = {name for name, texts in found.items() if any(texts)}
    assert tried == set(found) - {"modern"}
    for texts in found.values():
        for text, passage in zip(texts, passages, strict=True):
            assert text is None or text != passage.text and len(text) <= len(passage.text)


def test_where_nothing_can_be_corrupted_nothing_is():
    one = {("n", 1): CHAPTERS["n", 1]}
    passages = cut_passages(one, chars=120, count=4)
    found = corrupted(passages, Materials(one["n", 1], "", "", None), seed=0)
    for name in ("joined", "elsewhere", "names_swapped", "names_invented", "recited", "foreign"):
        assert found[name] == [None] * len(passages)


WHERE = ["a", "a", "a", "b", "b", "b", "c", "c", "c"]
VALUES = [1.0, 2.0, 3.0, 1.5, 2.5, 3.5, 1.2, 2.2, 3.2]


def certificate(metric, bound=0.9, **corrupted):
    return grade({metric: {TRUE: VALUES, **corrupted}}, WHERE, bound=bound)[metric]


def test_a_metric_is_fit_that_tells_all_it_is_meant_for():
    loops = [value + 9 for value in VALUES]
    found = certificate("seq_rep_4", looping=loops, shuffled=VALUES)
    assert found["fit"] is True and found["worst"] == "looping"
    assert found["auc"]["looping"]["value"] == 1 and found["auc"]["shuffled"]["value"] == 0.5


def test_a_blind_metric_is_not_fit_and_an_untried_one_neither():
    assert certificate("seq_rep_4", looping=VALUES)["fit"] is False
    assert certificate("seq_rep_4", shuffled=[9.0] * 9)["fit"] is None
    two_chapters = [9.0] * 6 + [None] * 3
    assert certificate("seq_rep_4", looping=two_chapters)["fit"] is None
    few = [9.0, 9.0, None] * 3
    assert certificate("seq_rep_4", looping=few)["fit"] is None


def test_less_variety_is_worse():
    assert certificate("distinct_2", looping=[0.1] * 9)["fit"] is True
    assert certificate("distinct_2", looping=[9.0] * 9)["fit"] is False


def test_bits_per_character_are_examined_in_place():
    """Each passage a little less foreseen out of place: of all pairs that would be two thirds, of each with itself all."""
    worse = [value + 0.1 for value in VALUES]
    assert certificate("bits", **{OUT_OF_PLACE: worse})["auc"][OUT_OF_PLACE]["value"] == 1
    assert certificate("seq_rep_4", looping=worse)["auc"]["looping"]["value"] < 0.7


def test_the_bound_decides():
    partly = [9.0] * 8 + [0.0]
    assert certificate("seq_rep_4", bound=0.85, looping=partly)["fit"] is True
    assert certificate("seq_rep_4", bound=0.9, looping=partly)["fit"] is False


def test_every_metric_that_is_meant_for_something_is_shown():
    from xuxie.report.figures import METRICS

    assert set(MEANT_FOR) == set(METRICS) - {"characters", "natural_stop", "foreign_stop"}
