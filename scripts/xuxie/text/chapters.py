"""The chapters of a text: what stands between its headings, or its files or scenes where it has none."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, zip_longest

from xuxie.errors import UserError
from xuxie.text.chapter_order import note_order
from xuxie.text.heading_lines import heading_lines, matching_lines
from xuxie.text.headings import HeadingLine
from xuxie.text.repeated_chapters import without_repetitions
from xuxie.text.scenes import scenes, trimmed
from xuxie.text.structure import Chapter, Findings
from xuxie.text.unheaded import cut, files_are_chapters, of_files

# Text before the first heading that is this long belongs to the novel and is no title page.
_OPENING = 1000


def find_chapters(
    text: str,
    *,
    pattern: str | None = None,
    scene_size: int = 4000,
    files: Sequence[tuple[int, str]] = (),
) -> tuple[list[Chapter], Findings]:
    """Find a text's chapters.

    Args:
        files: where the text of each source file begins, and the file's name. Without headings
            of chapters, each of several files is one.
        pattern: what a heading line matches as a whole, instead of the forms known here; its
            groups `number` and `title` are used.
        scene_size: the longest part, in characters, that text without headings of chapters is
            cut into.

    Raises:
        UserError: the pattern is no regular expression, no line matches it, or there is no text under the headings.
    """
    findings = Findings()
    if pattern is None:
        lines = heading_lines(text, findings)
    else:
        lines = matching_lines(text, pattern)
    headed = any(line.heading.kind == "chapter" for line in lines)
    if not headed and files_are_chapters(text, files, lines):
        chapters = of_files(text, files, lines, findings.contents)
        findings.note = f"no headings of chapters found: each of {len(files)} files is one"
    else:
        stretches = _stretches(text, lines, findings)
        chapters = without_repetitions(text, stretches, findings)
        note_order(chapters, findings)
        if not headed:
            whole = len(chapters)
            chapters = list(cut(text, chapters, scene_size))
            if len(chapters) > whole:
                findings.note = f"no headings of chapters found: what is longer than {scene_size} characters is cut into scenes"
        opening = _before(text, lines[0].start if lines else len(text), findings.contents)
        if chapters:
            opening = [(start, end) for start, end in opening if end - start >= _OPENING]
        parts = [part for span in opening for part in scenes(text, *span, scene_size)]
        kind = "opening" if chapters else "scene"
        chapters = [Chapter(None, "", kind, None, start, end) for start, end in parts] + chapters
        if kind == "scene":
            findings.note = f"no headings found: the text is cut into {len(parts)} scenes of at most {scene_size} characters"
    if not chapters:
        raise UserError(
            "the text holds headings and nothing under them",
            where="the novel's text",
            remedy="look at its files; is this a table of contents?",
        )
    findings.headings = len(lines)
    findings.kinds = dict(Counter(chapter.kind for chapter in chapters))
    findings.characters = _account(text, chapters, lines, findings)
    return chapters, findings


def _before(text: str, first: int, contents: list[list[int]]) -> list[tuple[int, int]]:
    """What stands before the first heading, around tables of contents."""
    spans = [span for span in contents if span[1] <= first]
    return [
        trimmed(text, start, end)
        for (_, start), (end, _) in pairwise([[0, 0], *spans, [first, first]])
    ]


def _stretches(
    text: str, lines: list[HeadingLine], findings: Findings
) -> list[tuple[HeadingLine, Chapter]]:
    """Each heading with the text up to the next; a heading that stands twice in a row counts once."""
    found: list[tuple[HeadingLine, Chapter]] = []
    volume: int | None = None
    listed = [start for start, _ in findings.contents]
    for line, following in zip_longest(lines, lines[1:]):
        heading = line.heading
        end = following.start if following else len(text)
        after = bisect_left(listed, line.end)
        end = min([end, *listed[after : after + 1]])
        if heading.kind == "volume":
            volume = heading.number
        start, end = trimmed(text, line.end, end)
        if start == end:
            if heading.kind != "volume" and not (following and following.key == line.key):
                findings.empty.append(
                    {"at": line.start, "number": heading.number, "title": heading.title}
                )
            continue
        inside = heading.volume or (volume if heading.kind == "chapter" else None)
        found.append(
            (line, Chapter(heading.number, heading.title, heading.kind, inside, start, end))
        )
    return found


def _account(
    text: str, chapters: list[Chapter], lines: list[HeadingLine], findings: Findings
) -> dict[str, int]:
    """Every character of the text, by where it went."""
    inside = sum(chapter.end - chapter.start for chapter in chapters)
    heads = sum(line.end - line.start for line in lines)
    dropped = sum(chapter["end"] - chapter["start"] for chapter in findings.dropped)
    contents = sum(end - start for start, end in findings.contents)
    spans = sorted(
        [(chapter.start, chapter.end) for chapter in chapters]
        + [(line.start, line.end) for line in lines]
        + [(chapter["start"], chapter["end"]) for chapter in findings.dropped]
        + [tuple(span) for span in findings.contents]
    )
    blank = outside = place = 0
    for start, end in [*spans, (len(text), len(text))]:
        if start < place:
            raise AssertionError(f"two parts of the text overlap at {start}")
        spaces = len(text[place:start]) - len("".join(text[place:start].split()))
        blank, outside, place = blank + spaces, outside + (start - place - spaces), end
    return {
        "text": len(text),
        "chapters": inside,
        "headings": heads,
        "repeated_chapters": dropped,
        "contents": contents,
        "before_first_heading": outside,
        "blank": blank,
    }
