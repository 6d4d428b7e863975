"""Chapters that stand in a text twice."""

from xuxie.overlap.ngrams import CHAPTER_NGRAM, ngrams
from xuxie.text.headings import HeadingLine
from xuxie.text.structure import Chapter, Findings

# Two chapters are one if this share of their text is the same; shorter ones than this prove nothing.
_SAME, _LEAST = 0.9, 50

# A number may come again and again: only this many of the last chapters under it are compared.
_COMPARED = 3


def without_repetitions(
    text: str, stretches: list[tuple[HeadingLine, Chapter]], findings: Findings
) -> list[Chapter]:
    """Leave out chapters whose text was there before, to the letter or nearly."""
    kept: list[Chapter] = []
    seen: dict[str, Chapter] = {}
    numbered: dict[tuple, list[Chapter]] = {}
    for line, chapter in stretches:
        body = text[chapter.start : chapter.end]
        first = seen.get(body) if len(body) >= _LEAST else None
        key = (chapter.kind, chapter.volume, chapter.number)
        if first is None and chapter.number is not None:
            first = next(
                (
                    other
                    for other in numbered.get(key, [])[-_COMPARED:]
                    if _nearly_same(body, text[other.start : other.end])
                ),
                None,
            )
        if first is None:
            kept.append(chapter)
            seen[body] = chapter
            numbered.setdefault(key, []).append(chapter)
        else:
            where = {"at": line.start, "number": chapter.number, "title": chapter.title}
            findings.dropped.append(
                where | {"start": chapter.start, "end": chapter.end, "same_as": first.start}
            )
    return kept


def _nearly_same(one: str, other: str) -> bool:
    if not _LEAST <= min(len(one), len(other)) or min(len(one), len(other)) < _SAME * max(
        len(one), len(other)
    ):
        return False
    ours, theirs = (set(ngrams(body, CHAPTER_NGRAM)) for body in (one, other))
    return len(ours & theirs) >= _SAME * len(ours | theirs)
