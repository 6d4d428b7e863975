"""Numbers alone on their lines as headings: gaps, parts that count anew, volumes; and lists in the text, which are none."""

from itertools import count

import pytest
from xuxie.text.chapters import find_chapters

_YEARS = count(1)
LIST = "他写道：\n1、苹果\n2、梨\n3、桃\n"


def prose(lines: int = 12) -> str:
    """Text that comes only once."""
    year = next(_YEARS)
    return "".join(
        f"过了{year}年零{day}天，他又走到河边，坐下来等她回来，可是谁也没有来。\n"
        for day in range(lines)
    )


def novel(*headings: object) -> str:
    return "".join(f"{heading}\n{prose()}" for heading in headings)


def found(text: str) -> list[tuple]:
    """(number, volume) of each chapter; its kind, if it is another."""
    return [
        (chapter.number, chapter.volume) if chapter.kind == "chapter" else chapter.kind
        for chapter in find_chapters(text)[0]
    ]


def in_one(*numbers: int) -> list[tuple]:
    return [(number, None) for number in numbers]


def test_a_missing_number_ends_nothing():
    titled = [f"{number} 夜" for number in range(1, 31) if number != 10]
    chapters, findings = find_chapters(novel(*titled))
    assert [chapter.number for chapter in chapters] == [*range(1, 10), *range(11, 31)]
    assert [(gap["from"], gap["to"]) for gap in findings.gaps] == [(10, 10)]
    assert found(novel(*"一二三四五七八九十")) == in_one(1, 2, 3, 4, 5, 7, 8, 9, 10)
    assert found(novel(*range(51, 56))) == in_one(*range(51, 56))


def test_numbers_that_begin_anew():
    assert found(novel(*range(1, 6), *range(1, 8))) == in_one(*range(1, 6), *range(1, 8))


@pytest.mark.parametrize(
    "volumes", [["第一部", "第二部"], ["卷一 春", "卷二 秋"], ["Part One", "Part Two"]]
)
def test_numbers_within_volumes(volumes):
    once = "".join(f"{volume}\n{novel(*range(1, 5))}" for volume in volumes)
    assert found(once) == [(number, volume) for volume in (1, 2) for number in range(1, 5)]
    prologues = "".join(f"{volume}\n{novel('楔子', 1, 2)}" for volume in volumes)
    assert found(prologues) == ["prologue", (1, 1), (2, 1), "prologue", (1, 2), (2, 2)]
    going_on = f"{volumes[0]}\n{novel(1, 2, 3)}{volumes[1]}\n{novel(4, 5, 6)}"
    assert found(going_on) == [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 2)]
    single = "".join(f"{volume}\n{novel(1)}" for volume in ["卷一", "卷二", "卷三"])
    assert found(single) == [(1, 1), (1, 2), (1, 3)]


@pytest.mark.parametrize("chapter", range(1, 8))
def test_a_list_within_a_chapter_is_none(chapter):
    text = novel(*range(1, chapter + 1)) + LIST + prose() + novel(*range(chapter + 1, 8))
    chapters, findings = find_chapters(text)
    assert [chapter.number for chapter in chapters] == [*range(1, 8)]
    assert [mention["number"] for mention in findings.mentions] == [1, 2, 3]


def test_a_list_of_long_items_within_a_chapter_is_none():
    text = novel(*range(1, 6)) + novel("1、一", "2、二", "3、三") + novel(6, 7)
    assert found(text) == in_one(*range(1, 8))


@pytest.mark.parametrize("unit", ["卷", "部"])
@pytest.mark.parametrize("items", [LIST, novel("1、一", "2、二", "3、三")])
def test_a_list_within_a_volume_makes_no_chapters(unit, items):
    volumes = [f"第{number}{unit}\n{prose(60)}" for number in "一二三四五"]
    volumes[2] += items + prose()
    assert found("".join(volumes)) == in_one(1, 2, 3, 4, 5)


def test_a_list_in_a_text_without_headings_is_none():
    chapters, findings = find_chapters(prose(40) + LIST + prose(40))
    assert {chapter.kind for chapter in chapters} == {"scene"} and len(findings.mentions) == 3


def test_years_are_none():
    years = novel(1937, 1938, 1939)
    assert found(novel(1, 2, 3) + years + novel(4)) == in_one(1, 2, 3, 4)
    assert found(novel(1, 2, 3) + years) == in_one(1, 2, 3)


def test_an_extra_with_numbers_of_its_own_stays_one():
    assert found(novel(*range(1, 6)) + "番外\n" + novel(1, 2, 3)) == [
        *in_one(*range(1, 6)),
        "extra",
    ]
