"""A made-up novel of which no two paragraphs are alike, and the rows that are made of it."""

from dataclasses import asdict

from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.dataset.build import build
from xuxie.dataset.novel import Novel
from xuxie.text.chapters import find_chapters

CHAPTERS = 14


def paragraph(chapter: int, number: int) -> str:
    """A paragraph that stands nowhere else: no run of 50 characters of two of them is the same."""
    marks = [
        chr(0x4E00 + (chapter * 997 + number * 131 + place * 17) % 20000) for place in range(36)
    ]
    return f"{''.join(marks[:20])}，{''.join(marks[20:])}。“{chr(0x4E00 + chapter)}{number}来了。”他说。\n"


def novel_text(chapters: int = CHAPTERS, paragraphs: int = 40) -> str:
    return "".join(
        f"第{chapter}章 题目{chapter}\n\n"
        + "".join(paragraph(chapter, n) for n in range(paragraphs))
        + "\n"
        for chapter in range(1, chapters + 1)
    )


def settings(name: str = "n", **changes) -> dict:
    config = {
        "novels": {name: {"path": "n.txt"}},
        "datasets": {name: {"novels": [name], **changes}},
    }
    complete_config(config, REPOSITORY / "config/schema.yaml")
    return config["datasets"][name]


def novel(text: str, name: str = "n", pairs: list[dict] = ()) -> Novel:
    return Novel(name, text, [asdict(chapter) for chapter in find_chapters(text)[0]], pairs)


def built(
    text: str, pairs: list[dict] = (), chars: tuple[int, int] = (250, 400), **changes
) -> Novel:
    made = novel(text, pairs=pairs)
    build([made], settings(**changes), dataset="n", generator="reader", language="zh", completion_chars=chars[0], prompt_chars=chars[1])  # fmt: skip
    return made
