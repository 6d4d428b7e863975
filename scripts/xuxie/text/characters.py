"""Steps that make characters uniform: line ends, invisible ones, composed forms, widths, scripts."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import regex

from xuxie.text.aligned import AlignedText, Tally
from xuxie.text.decode import BAD

_OTHER_LINE_END = re.compile("[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# Controls, soft hyphens, zero-width and direction marks, variation selectors, and code points that are no characters.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\U000e0000-\U000e0fff]+"
)
_FULL_WIDTH = re.compile(
    "[０-９Ａ-Ｚａ-ｚ]+(?:[．／：＠－＿]+(?=[０-９Ａ-Ｚａ-ｚ])[０-９Ａ-Ｚａ-ｚ]+)*"
)
_TO_ASCII = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_LINE = re.compile(r"[^\n]+")
# A text without any of these is in composed form already.
_MAY_COMPOSE = regex.compile(r"[\p{NFC_QC=M}\p{NFC_QC=N}\p{M}]")
_CLUSTER = regex.compile(r"\X")


def drop_bad_bytes(aligned: AlignedText) -> Tally:
    """Remove the marks that stand for bytes which are no text."""
    return aligned.replace(BAD, "")


def unify_line_ends(aligned: AlignedText) -> Tally:
    """Make CRLF, CR and the rarer line ends LF."""
    tally = aligned.replace("\r\n", "\n")
    return tally + (
        aligned.substitute(_OTHER_LINE_END.sub("\n", aligned.text))
        if _OTHER_LINE_END.search(aligned.alphabet)
        else Tally()
    )


def remove_invisible(aligned: AlignedText) -> Tally:
    """Remove characters that a reader does not see."""
    return aligned.sub(_INVISIBLE) if _INVISIBLE.search(aligned.alphabet) else Tally()


def compose(aligned: AlignedText) -> Tally:
    """Bring the text into Unicode's composed form, NFC."""
    tally = Tally()
    if not _MAY_COMPOSE.search(aligned.alphabet):
        return tally
    if not unicodedata.is_normalized("NFC", aligned.text):
        tally += _compose(aligned, _CLUSTER)
    if not unicodedata.is_normalized("NFC", aligned.text):
        # Some marks combine across what a reader sees as one character.
        tally += _compose(aligned, _LINE)
    return tally


def _compose(aligned: AlignedText, unit) -> Tally:
    starts, ends, composed = [], [], []
    for line in _LINE.finditer(aligned.text):
        if unicodedata.is_normalized("NFC", line[0]):
            continue
        for part in unit.finditer(line[0]):
            form = unicodedata.normalize("NFC", part[0])
            if form != part[0]:
                starts.append(line.start() + part.start())
                ends.append(line.start() + part.end())
                composed.append(form)
    return aligned.edit(starts, ends, composed)


def narrow(aligned: AlignedText) -> Tally:
    """Make full-width Latin letters and digits ASCII, with the points and slashes between them."""
    if not _FULL_WIDTH.search(aligned.alphabet):
        return Tally()
    return aligned.substitute(
        _FULL_WIDTH.sub(lambda match: match[0].translate(_TO_ASCII), aligned.text)
    )


def simplify(aligned: AlignedText) -> Tally:
    """Turn traditional characters into simplified ones, by OpenCC's table of characters and phrases."""
    convert = _converter()
    simplified = convert(aligned.text)
    if len(simplified) == len(aligned.text):
        return aligned.substitute(simplified)
    starts, ends, lines = [], [], []
    for line in _LINE.finditer(aligned.text):
        converted = convert(line[0])
        if converted != line[0]:
            starts.append(line.start())
            ends.append(line.end())
            lines.append(converted)
    return aligned.edit(starts, ends, lines)


@cache
def _converter() -> Callable[[str], str]:
    from opencc import OpenCC

    return OpenCC("t2s").convert
