"""Which answers count as a passage in other words, and what the exam makes of them."""

import pytest
from xuxie.evaluation.exam import PARAPHRASE, TRUE
from xuxie.evaluation.paraphrases import paraphrases, questions, with_paraphrases
from xuxie.llm import Answered, Failed
from xuxie.llm.question import Completion
from xuxie.llm.usage import Usage

PASSAGE = "林阿澈把灯举高，照着石阶。沈若琳站在雾里，一句话也不说。码头上传来三声汽笛，又短又哑。老人收起渔网，往家里走去。"
PLAIN = "阿澈举起灯照亮台阶。若琳在雾中站着，没有说话。从码头那边响了三次汽笛，声音沙哑。老头把网收好，回家了。"
ROW = {"novel": "n", "chapter": 3, "context": "前文。", TRUE: PASSAGE, "corrupted": {"shuffled": "乱。"}}  # fmt: skip


def answered(text):
    usage = Usage()
    return Answered("q", Completion(text, "stop", 1, 1, 0.1), usage, False)


def test_the_passage_is_sent_and_plain_text_wanted(tmp_path):
    (tmp_path / "ask.txt").write_text("重写：\n$passage\n", encoding="utf-8")
    (asked,) = questions([ROW], tmp_path / "ask.txt", seed=1)
    assert asked.messages[-1]["content"] == f"重写：\n{PASSAGE}" and asked.schema is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PLAIN, None),
        (PASSAGE, "copied"),
        (PASSAGE[:45] + PLAIN[40:], "copied"),
        ("他走了。", "length"),
        (PLAIN * 3, "length"),
        ("", "length"),
    ],
)
def test_what_was_recited_or_shortened_is_no_paraphrase(text, why):
    (row,) = paraphrases([ROW], [answered(text)])
    if why is None:
        assert row == {"text": text, "failed": None}
    else:
        assert row["text"] is None and row["failed"].startswith(why)


def test_a_passage_that_nobody_answered_says_why():
    failed = Failed("q", "refused", "content filter", None, Usage(), False)
    (row,) = paraphrases([ROW], [failed])
    assert row == {"text": None, "failed": "refused: content filter"}


def test_paraphrases_stand_among_what_was_corrupted_and_are_no_longer_than_the_passage():
    long = {"text": PLAIN + PLAIN[:9], "failed": None}
    (row,) = with_paraphrases([ROW], [long])
    assert row["corrupted"] == {"shuffled": "乱。", PARAPHRASE: long["text"][: len(PASSAGE)]}
    (row,) = with_paraphrases([ROW], [{"text": None, "failed": "length"}])
    assert row["corrupted"][PARAPHRASE] is None
    assert with_paraphrases([ROW], []) == [ROW]
