"""What a text consists of: its chapters, and what was noticed in finding them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's text, without its heading: `text[start:end]`.

    Attributes:
        kind: chapter, volume, prologue, extra, epilogue, afterword; opening for text before the
            first heading, scene for a part of a novel that has no headings.
    """

    number: int | None
    title: str
    kind: str
    volume: int | None
    start: int
    end: int


@dataclass(slots=True)
class Findings:
    """What was noticed. Every `at` is an offset into the text, every span half-open.

    Attributes:
        gaps: numbers that are missing, and the heading before which they are.
        repeated_numbers: numbers that two different chapters carry.
        out_of_order: chapters that come after a higher number.
        dropped: chapters left out because their text stood there before.
        empty: headings without text.
        mentions: lines that look like a heading and are none.
        contents: spans of tables of contents.
        characters: how many characters of the text are in chapters, in headings, and elsewhere.
    """

    headings: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    note: str = ""
    gaps: list[dict] = field(default_factory=list)
    repeated_numbers: list[dict] = field(default_factory=list)
    out_of_order: list[dict] = field(default_factory=list)
    dropped: list[dict] = field(default_factory=list)
    empty: list[dict] = field(default_factory=list)
    mentions: list[dict] = field(default_factory=list)
    contents: list[list[int]] = field(default_factory=list)
    characters: dict[str, int] = field(default_factory=dict)
