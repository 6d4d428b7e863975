"""What a question tells of the story beside the passage: what went before it, and what is to happen. It is worded here alone.

Both are a bracketed line of their own between the instruction and the passage, in rows as in what is sampled:

    续写以下小说片段：
    【本章：话比猪贵；人物：花老三、万掌柜；地点：秤房；前情：……】
    【接下来：两人为一只坛子争了起来。】
    ……
"""

from collections.abc import Iterable
from dataclasses import dataclass

PEOPLE, PLACES = 6, 2
"""So many people and places a block names at most, those mentioned last."""


@dataclass(frozen=True)
class Words:
    """The marks and labels of a language."""

    opening: str
    closing: str
    colon: str
    semicolon: str
    comma: str
    chapter: str
    people: str
    places: str
    before: str
    outline: str


WORDS = {
    "zh": Words("【", "】", "：", "；", "、", "本章", "人物", "地点", "前情", "接下来"),
    "en": Words("[", "]", ": ", "; ", ", ", "Chapter", "People", "Places", "Before", "Next"),
}


@dataclass(frozen=True)
class State:
    """What is known of a story at a place of it.

    Attributes:
        chapter: the heading of its chapter.
        people, places: who and what was mentioned last, the latest first.
        before: what happened before this chapter, in a sentence.
    """

    chapter: str = ""
    people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    before: str = ""

    def line(self, language: str) -> str:
        """The block; nothing if nothing is known."""
        words = WORDS[language]
        parts = (
            (words.chapter, _plain(self.chapter, words)),
            (words.people, words.comma.join(self.people)),
            (words.places, words.comma.join(self.places)),
            (words.before, _plain(self.before, words)),
        )
        known = [f"{label}{words.colon}{said}" for label, said in parts if said]
        return _bracketed(words.semicolon.join(known), words) if known else ""

    @classmethod
    def read(cls, line: str, language: str) -> "State":
        """The state that `line` has worded."""
        words = WORDS[language]
        inside = line[len(words.opening) : len(line) - len(words.closing)]
        said = dict(part.split(words.colon, 1) for part in inside.split(words.semicolon) if part)

        def names(label: str) -> tuple[str, ...]:
            return tuple(said[label].split(words.comma)) if label in said else ()

        return cls(
            said.get(words.chapter, ""),
            names(words.people),
            names(words.places),
            said.get(words.before, ""),
        )

    def followed_by(self, people: list[str], places: list[str]) -> "State":
        """The state after a text that mentions these, in its order."""
        return State(
            self.chapter,
            latest([*reversed(people), *self.people], PEOPLE),
            latest([*reversed(places), *self.places], PLACES),
            self.before,
        )


def latest(mentioned: Iterable[str], most: int) -> tuple[str, ...]:
    """The first so many different ones of what was mentioned, which is given from the end."""
    found: dict[str, None] = {}
    for name in mentioned:
        if len(found) == most:
            break
        found.setdefault(name)
    return tuple(found)


def outline_line(outline: str, language: str) -> str:
    """The line that says what is to happen; nothing of no outline."""
    words = WORDS[language]
    said = _plain(outline, words)
    return _bracketed(f"{words.outline}{words.colon}{said}", words) if said else ""


def example_outline(language: str) -> str:
    """Such a line, to show a person how it is written."""
    return outline_line(
        "They quarrel, and one of them leaves."
        if language == "en"
        else "两人争了起来，其中一个走了。",
        language,
    )


def told(instruction: str, *lines: str) -> str:
    """The instruction, and below it each of the lines that says anything."""
    return "\n".join(filter(None, (instruction, *lines)))


def instruction_alone(row: dict) -> str:
    """A row's instruction without the lines that `told` has put below it."""
    lines = told("", row.get("state", ""), row.get("outline", ""))
    alone = row["instruction"].removesuffix(lines)
    return alone.removesuffix("\n") if alone != row["instruction"] else alone


def _bracketed(text: str, words: Words) -> str:
    return f"{words.opening}{text}{words.closing}"


def _plain(text: str, words: Words) -> str:
    """The text in one line, without the marks that part a block."""
    for mark in (words.opening, words.closing, words.semicolon.strip()):
        text = text.replace(mark, words.comma if mark == words.semicolon.strip() else "")
    return " ".join(text.split())
