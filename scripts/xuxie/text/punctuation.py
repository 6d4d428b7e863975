"""Chinese punctuation for Chinese text."""

import re
from collections.abc import Iterator

from xuxie.text.aligned import AlignedText, Tally
from xuxie.text.han import HAN

_CHINESE = re.compile(rf"[{HAN}“”‘’「」『』（）《》【】…—。，、！？；：]")
_FULL_WIDTH = str.maketrans(",?!:;.．()", "，？！：；。。（）")
_MARKS = re.compile(r"[,?!:;.．()]+")
_BELONGS = re.compile(r"[0-9A-Za-z.．]")
_DASH = re.compile(r"[\-－―─━]")
_NOT_TWO_DOTS = ("...", "。。。", "．．．", "・・・", "···", "………")
_DOTS = re.compile(r"\.{3,}|。{3,}|．{3,}|・{3,}|·{3,}|…+")
_DASHES = re.compile(r"-{2,}|－{2,}|―+|─+|━+")


def write_chinese_marks(aligned: AlignedText) -> Tally:
    """Write marks that stand beside Chinese characters as Chinese ones.

    ASCII commas and stops, and ．, become full-width, rows of dots …… and rows of dashes ——, and
    straight quotes curly ones, in turn within a paragraph. Marks in Western passages stay.
    """

    def beside_chinese(mark: str):
        def replace(match: re.Match) -> str:
            around = (
                aligned.text[max(match.start() - 1, 0) : match.start()]
                + aligned.text[match.end() : match.end() + 1]
            )
            return mark if _CHINESE.search(around) else match[0]

        return replace

    tally = Tally()
    alphabet = aligned.alphabet
    if any(
        row[0] in alphabet and row in aligned.text for row in _NOT_TWO_DOTS
    ) or aligned.text.count("…") != 2 * aligned.text.count("……"):
        tally += aligned.sub(_DOTS, beside_chinese("……"))
    if _DASH.search(aligned.alphabet):
        tally += aligned.sub(_DASHES, beside_chinese("——"))
    if '"' in aligned.text:
        tally += aligned.substitute(_with_curly_quotes(aligned.text))
    if _MARKS.search(aligned.alphabet):
        tally += aligned.substitute(_MARKS.sub(_full_width, aligned.text))
    return tally


def _full_width(match: re.Match) -> str:
    """Decide from left to right: a mark made Chinese lets the next one follow it."""
    text = match.string
    written, before = [], text[max(match.start() - 1, 0) : match.start()]
    for place, mark in enumerate(match[0], match.start()):
        after = text[place + 1 : place + 2]
        if mark == "(":
            inside = (
                match[0][place - match.start() :].lstrip("(")[:1]
                or text[match.end() : match.end() + 1]
            )
            chinese = _CHINESE.match(inside) is not None
        else:
            # A point or colon before a letter, a digit or another point belongs to those.
            belongs = mark in ".．:" and _BELONGS.match(after) is not None
            chinese = _CHINESE.match(before) is not None and not belongs
        before = mark.translate(_FULL_WIDTH) if chinese else mark
        written.append(before)
    return "".join(written)


def _with_curly_quotes(text: str) -> str:
    pieces, done = [], 0
    for start, end in _lines_with(text, '"'):
        line = text[start:end]
        if not _CHINESE.search(line):
            continue
        pieces += [text[done:start], _curled(line)]
        done = end
    return "".join([*pieces, text[done:]])


def _lines_with(text: str, mark: str) -> Iterator[tuple[int, int]]:
    place = text.find(mark)
    while place >= 0:
        start, end = text.rfind("\n", 0, place) + 1, text.find("\n", place)
        end = len(text) if end < 0 else end
        yield start, end
        place = text.find(mark, end)


def _curled(line: str) -> str:
    parts, is_open = re.split('([“”"])', line), False
    for index in range(1, len(parts), 2):
        if parts[index] == '"':
            parts[index] = "”" if is_open else "“"
        is_open = parts[index] == "“"
    return "".join(parts)
