"""Chinese punctuation for Chinese text."""

import re
from collections.abc import Iterator

from xuxie.text.draft import Draft, Tally

_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(rf"[{_HAN}“”‘’「」『』（）《》【】…—。，、！？；：]")
_IS_CHINESE = _CHINESE.pattern[1:-1]
_FULL_WIDTH = str.maketrans(",?!:;.．()", "，？！：；。。（）")
# The mark comes first, so that the search runs from mark to mark; what stands before it is looked at afterwards.
# A point or colon before a letter or a digit belongs to those.
_MARK = re.compile(
    rf"[,;](?<=[{_IS_CHINESE}].)|[?!]+|[.．:](?<=[{_IS_CHINESE}].)(?![0-9A-Za-z.．])|\((?=[{_IS_CHINESE}])|\)(?<=[{_IS_CHINESE}].)"
)
_HALF_WIDTH = re.compile(r"[,?!:;.．()]")
_DASH = re.compile(r"[\-－―─━]")
_NOT_TWO_DOTS = ("...", "。。。", "．．．", "・・・", "···", "………")
_DOTS = re.compile(r"\.{3,}|。{3,}|．{3,}|・{3,}|·{3,}|…+")
_DASHES = re.compile(r"-{2,}|－{2,}|―+|─+|━+")


def write_chinese_marks(draft: Draft) -> Tally:
    """Write marks that stand beside Chinese characters as Chinese ones.

    ASCII commas and stops, and ．, become full-width, rows of dots …… and rows of dashes ——, and
    straight quotes curly ones, in turn within a paragraph. Marks in Western passages stay.
    """

    def beside_chinese(mark: str):
        def replace(match: re.Match) -> str:
            around = draft.text[max(match.start() - 1, 0) : match.start()] + draft.text[match.end() : match.end() + 1]
            return mark if _CHINESE.search(around) else match[0]

        return replace

    tally = Tally()
    if any(row in draft.text for row in _NOT_TWO_DOTS) or draft.text.count("…") != 2 * draft.text.count("……"):
        tally += draft.sub(_DOTS, beside_chinese("……"))
    if _DASH.search(draft.alphabet):
        tally += draft.sub(_DASHES, beside_chinese("——"))
    if _HALF_WIDTH.search(draft.alphabet):
        tally += draft.substitute(_MARK.sub(_full_width, draft.text))
    return tally + (draft.substitute(_with_curly_quotes(draft.text)) if '"' in draft.text else Tally())


def _full_width(match: re.Match) -> str:
    if match[0][0] in "?!" and not _CHINESE.match(match.string[max(match.start() - 1, 0)]):
        return match[0]
    return match[0].translate(_FULL_WIDTH)


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
