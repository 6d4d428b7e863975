"""The items of the blind page: cut to one length, in an order that gives nothing away."""

import json
from itertools import pairwise

from xuxie.blind.items import SHORTEST, cut_to_one_length, make_items
from xuxie.blind.page import page_content, page_id, page_key

SENTENCE = "他推开门，雨还在下，街上一个人也没有。"


def row(number: int, **texts: str | None) -> dict:
    return {
        "id": f"n-{number}",
        "novel": "雾港",
        "chapter": number,
        "prompt": {"input": f"第{number}段上文。"},
        "reference": f"作者{number}：" + SENTENCE * 6,
        "outputs": {
            name: text if text is None else {"text": text, "seconds": number / 7}
            for name, text in texts.items()
        },
    }


def rows(count: int, **more: str) -> list[dict]:
    return [
        row(
            number,
            base=f"底模{number}" + SENTENCE * 4,
            tuned=f"微调{number}" + SENTENCE * 9,
            **more,
        )
        for number in range(1, count + 1)
    ]


def test_texts_end_with_a_sentence_within_the_length_of_the_shortest():
    texts = [SENTENCE * 3 + "没有写完", SENTENCE * 7, SENTENCE * 5]
    assert cut_to_one_length(texts) == [SENTENCE * 3] * 3


def test_each_passage_is_shown_with_the_author_and_both_systems():
    items = make_items({"demo": rows(5)}, passages=24, seed=0)
    assert len(items) == 5
    for item in items:
        assert sorted(item.systems) == ["base", "human", "tuned"]
        for system, text in zip(item.systems, item.options, strict=True):
            begins = {"human": "作者", "base": "底模", "tuned": "微调"}[system]
            assert text.startswith(f"{begins}{item.sample['chapter']}")
        lengths = [len(text) for text in item.options]
        assert max(lengths) - min(lengths) <= len(SENTENCE)


def test_the_order_of_the_options_differs_from_item_to_item():
    items = make_items({"demo": rows(24)}, passages=24, seed=0)
    assert {item.systems.index("human") for item in items} == {0, 1, 2}
    assert items == make_items({"demo": rows(24)}, passages=24, seed=0)
    assert items != make_items({"demo": rows(24)}, passages=24, seed=1)


def test_no_passage_comes_twice_in_a_row():
    samples = {"one": rows(4, rival="对手" + SENTENCE * 5), "two": rows(4)}
    for seed in range(20):
        items = make_items(samples, passages=24, seed=seed)
        assert len(items) == 12
        assert all(before.passage != after.passage for before, after in pairwise(items))


def test_a_passage_alone_is_not_asked_about_twice_on_end():
    items = make_items({"one": rows(1), "two": rows(1)}, passages=24, seed=0)
    assert len(items) == 1


def test_what_is_too_short_to_judge_by_is_left_out():
    short = SENTENCE[: SHORTEST - 1]
    (item,) = make_items({"demo": [row(1, base=short, tuned=SENTENCE * 4)]}, passages=9, seed=0)
    assert sorted(item.systems) == ["human", "tuned"]
    assert make_items({"demo": [row(1, base=short, tuned="")]}, passages=9, seed=0) == []
    assert make_items({"demo": [row(1, base=None, tuned=None)]}, passages=9, seed=0) == []


def test_the_page_does_not_name_who_wrote_and_the_key_does():
    items = make_items({"demo": rows(6)}, passages=24, seed=0)
    page = json.dumps(page_content(items, "雾港"), ensure_ascii=False)
    assert not [word for word in ("base", "tuned", "human", "demo") if word in page]
    key = page_key(items)
    assert key["page"] == page_id(items) and key["page"] in page
    for item in items:
        assert key["items"][item.id]["systems"] == list(item.systems)


def test_an_item_cannot_be_named_from_what_the_page_shows():
    """The id depends on what only the samples hold, so that trying out who wrote what finds nothing."""
    one, other = rows(1), rows(1)
    other[0]["outputs"]["base"]["seconds"] += 1
    ids = [make_items({"demo": part}, passages=1, seed=0)[0].id for part in (one, other)]
    assert ids[0] != ids[1]
