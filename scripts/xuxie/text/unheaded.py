"""The parts of a text whose chapters have no headings: its files, or scenes. A prologue or an afterword may still be headed."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePath

from xuxie.text import headings
from xuxie.text.headings import Heading, HeadingLine
from xuxie.text.scenes import scenes, trimmed
from xuxie.text.sources import parted
from xuxie.text.structure import Chapter

# One file without a heading between 楔子 and 尾声 is the whole novel, and no chapter; those that hold less than this share of
# the text are a cover and the like.
_FEWEST_FILES, _LEAST_SHARE = 2, 1 / 3


def files_are_chapters(
    text: str, files: Sequence[tuple[int, str]], lines: list[HeadingLine]
) -> bool:
    """Whether the files of a text without headings of chapters are its chapters.

    Args:
        lines: the headings that it has, of a prologue or the like.
    """
    if not lines:
        return len(files) > 1
    starts = [line.start for line in lines]
    unheaded = []
    for (start, _), (end, _) in pairwise([*files, (len(text), "")]):
        at = bisect_left(starts, start)
        first = min([end, *starts[at : at + 1]])
        if text[start:first].strip():
            unheaded.append(end - start)
    return len(unheaded) >= _FEWEST_FILES and sum(unheaded) > _LEAST_SHARE * len(text)


def of_files(
    text: str,
    files: Sequence[tuple[int, str]],
    lines: list[HeadingLine],
    contents: list[list[int]],
) -> list[Chapter]:
    """A chapter for each file that has text, and for each heading; a file's name may hold number and title.

    Args:
        lines: the headings, of a prologue or the like.
        contents: spans of tables of contents, which are left out.
    """
    cuts: list[tuple[int, int, Heading | None, str]] = sorted(
        [(start, start, None, name) for start, name in files]
        + [(line.start, line.end, line.heading, "") for line in lines]
        + [(start, end, None, "") for start, end in contents],
        key=lambda cut: cut[:2],
    )
    chapters: list[Chapter] = []
    place, file = 0, ""
    for (_, after, heading, name), (before, *_) in pairwise([*cuts, (len(text), 0, None, "")]):
        file = name or file
        place = max(place, after)
        start, end = trimmed(text, place, before)
        if start < end:
            named = heading or _named(file)
            inside = named.volume or _volume(file)
            chapters.append(Chapter(named.number, named.title, named.kind, inside, start, end))
    return chapters


def _named(name: str) -> Heading:
    """What the name of a file, or of a part of an EPUB, says of its chapter."""
    file, part = parted(name)
    stem = PurePath(part or file).stem
    heading = headings.parse(stem) or Heading("chapter", "", None, stem, True)
    return replace(heading, kind="chapter") if heading.kind in ("bare", "volume") else heading


def _volume(name: str) -> int | None:
    """The volume that the folder of a file is."""
    file, part = parted(name)
    heading = headings.parse(PurePath(part or file).parent.name)
    return heading.number if heading and heading.kind == "volume" else None


def cut(text: str, chapters: list[Chapter], size: int) -> Iterator[Chapter]:
    """Cut what must be more than its heading says into scenes of at most `size` characters, of which the first keeps the heading.

    A text has many extras, each with a number or a title: these stay as they are.
    """
    for chapter in chapters:
        extra = chapter.kind == "extra" and (chapter.title or chapter.number is not None)
        if chapter.end - chapter.start <= size or extra:
            yield chapter
            continue
        (_, end), *others = scenes(text, chapter.start, chapter.end, size)
        yield replace(chapter, end=end)
        for start, end in others:
            yield Chapter(None, "", "scene", None, start, end)
