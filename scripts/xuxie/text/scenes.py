"""Scenes: parts of bounded size, for text that has no headings."""

import re
from itertools import pairwise

from xuxie.text.chunks import balanced_cuts
from xuxie.text.sentences import sentences

# An empty line, or a line of ornaments alone.
_SCENE_BREAK = re.compile(r"\n\s*\n|\n[^\w\n“‘「『（(《]+\n")
_PARAGRAPH_END = re.compile(r"\n+")
# A scene shorter than this share of the size may be joined to the one before it.
_SHORT = 0.25


def scenes(text: str, start: int, end: int, size: int) -> list[tuple[int, int]]:
    """Cut `text[start:end]` into parts of at most `size` characters, at ends of scenes, paragraphs or sentences.

    A paragraph beyond the size is cut between sentences; a single sentence beyond it stays whole.
    """
    parts: list[tuple[int, int]] = []
    for scene_start, scene_end in _between(text, _SCENE_BREAK, start, end):
        if parts and scene_end - parts[-1][0] <= size and scene_end - scene_start < _SHORT * size:
            parts[-1] = (parts[-1][0], scene_end)
        elif scene_end - scene_start <= size:
            parts.append((scene_start, scene_end))
        else:
            paragraphs = _between(text, _PARAGRAPH_END, scene_start, scene_end)
            units = [
                unit
                for span in paragraphs
                for unit in ([span] if span[1] - span[0] <= size else sentences(text, *span))
            ]
            first = scene_start
            for last in balanced_cuts([unit_end - scene_start for _, unit_end in units], size):
                parts.append((first, units[last][1]))
                first = units[last][1]
    return [span for span in (trimmed(text, *part) for part in parts) if span[0] < span[1]]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without the white space at both ends."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _between(text: str, pattern: re.Pattern, start: int, end: int) -> list[tuple[int, int]]:
    """The spans that end where the pattern's matches end; together the whole range."""
    cuts = [match.end() for match in pattern.finditer(text, start, end)]
    return [(first, last) for first, last in pairwise([start, *cuts, end]) if first < last]
