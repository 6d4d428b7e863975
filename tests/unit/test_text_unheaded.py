"""Texts whose chapters have no headings: files, scenes, and a prologue or an afterword that says nothing of the others."""

from collections.abc import Sequence

import pytest
from xuxie.text.chapters import find_chapters

TITLES = ["楔子", "相逢", "夜雨", "归途", "尾声", "后记"]


def prose(title: str, lines: int = 80) -> str:
    return "".join(f"{title}之中第{day}日，他走到河边，便坐下来等。\n" for day in range(lines))


def of_parts(*parts: tuple[str, str]) -> tuple[str, list[tuple[int, str]]]:
    """(text, files) of parts: (name, text)"""
    text, files = "", []
    for name, part in parts:
        files.append((len(text), name))
        text += part + "\n"
    return text, files


def kinds(text: str, files: Sequence[tuple[int, str]] = ()) -> list[tuple]:
    return [
        (chapter.kind, chapter.number, chapter.title)
        for chapter in find_chapters(text, files=files)[0]
    ]


def test_files_are_chapters_though_some_are_named_specially():
    text, files = of_parts(
        *((f"b.epub!{title}.xhtml", f"{title}\n{prose(title)}") for title in TITLES)
    )
    assert kinds(text, files) == [
        ("prologue", None, ""),
        ("chapter", None, "相逢"),
        ("chapter", None, "夜雨"),
        ("chapter", None, "归途"),
        ("epilogue", None, ""),
        ("afterword", None, ""),
    ]
    chapters, findings = find_chapters(text, files=files)
    assert "each of 6 files" in findings.note
    assert not text[chapters[0].start :].startswith("楔子\n")


def test_a_heading_within_a_file_begins_a_chapter():
    text, files = of_parts(
        ("a.txt", prose("甲")), ("b.txt", prose("乙") + "尾声\n" + prose("丙", 20))
    )
    assert kinds(text, files) == [
        ("chapter", None, "a"),
        ("chapter", None, "b"),
        ("epilogue", None, ""),
    ]


def test_files_in_folders_of_volumes_know_their_volume():
    text, files = of_parts(
        *((f"n/卷{volume}/{n}.txt", prose(f"{volume}{n}")) for volume in "一二" for n in (1, 2))
    )
    chapters, _ = find_chapters(text, files=files)
    assert [(chapter.volume, chapter.number) for chapter in chapters] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]


@pytest.mark.parametrize("parted", [False, True])
def test_a_text_between_prologue_and_epilogue_is_cut_into_scenes(parted):
    text, files = of_parts(
        ("1.txt", f"楔子\n{prose('甲', 20)}"),
        ("2.txt", prose("乙", 800)),
        ("3.txt", f"尾声\n{prose('丙', 20)}"),
    )
    chapters, findings = find_chapters(text, files=files if parted else [])
    assert [chapter.kind for chapter in chapters][:: len(chapters) - 1] == ["prologue", "epilogue"]
    assert {chapter.kind for chapter in chapters[1:-1]} == {"scene"}
    assert max(chapter.end - chapter.start for chapter in chapters) <= 4000
    assert "cut into scenes" in findings.note


def test_special_chapters_of_usual_length_stay_whole():
    text = "".join(f"{title}\n{prose(title, 20)}" for title in ("楔子", "番外", "后记"))
    chapters, findings = find_chapters(text)
    assert [chapter.kind for chapter in chapters] == ["prologue", "extra", "afterword"]
    assert findings.note == ""


def test_extras_alone_are_chapters_of_any_length():
    titles = ["番外一", "番外二 那年", "番外 灯"]
    text = "".join(f"{title}\n{prose(title, 400)}" for title in titles)
    assert kinds(text) == [("extra", 1, ""), ("extra", 2, "那年"), ("extra", None, "灯")]


@pytest.mark.parametrize("foreword", [0, 100])
def test_prose_before_a_table_of_contents_is_kept(foreword):
    titles = [f"第{number}章 夜{number}" for number in range(1, 9)]
    text = prose("旧事") + "\n".join(titles) + "\n\n" + prose("前事", foreword)
    text += "".join(f"{title}\n{prose(title[-2:])}" for title in titles)
    chapters, findings = find_chapters(text)
    opening = [text[chapter.start :][:2] for chapter in chapters if chapter.kind == "opening"]
    assert opening == (["旧事", "前事"] if foreword else ["旧事"])
    assert len(findings.contents) == 1 and len(chapters) == 8 + len(opening)
