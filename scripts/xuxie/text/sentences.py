"""Where sentences end, in Chinese and Western text."""

import re
from itertools import pairwise

# A quotation or a bracket that closes within this many characters of its paragraph is never torn;
# a longer one is a monologue, and its sentences count.
_LONGEST_SPEECH = 300
_LONGEST_INTRODUCTION = 80

_MARKS = "。！？｡．.!?…"
_CLOSERS = "”’」』）》〉】〕"
_SPEECH = {"“": "”", "「": "」", "『": "』", '"': '"'}
_BRACKETS = {"（": "）", "(": r"\)"}
_ABBREVIATIONS = "Mr Mrs Ms Dr St Prof Rev Col Gen Capt Lt Sgt Jr Sr Mt vs etc cf No Vol".split()


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the spans of the sentences of `text[start:end]`, as offsets into `text`.

    The spans follow each other without a gap and cover the range. A sentence includes its closing
    quotes and brackets and the white space after it. Speech stays with the words around
    it (“走吧。”他说。 is one sentence), except that words which introduce the next speech begin a
    new one (他又说：“…). A paragraph always ends one.
    """
    return list(pairwise(bounds(text, start, len(text) if end is None else end)))


def bounds(text: str, start: int, end: int) -> list[int]:
    """The same as offsets: where the first sentence begins, and where each one ends."""
    ends = [start + match.end() for match in _SENTENCE.finditer(text[start:end])]
    # At the very end the pattern matches once more, and nothing.
    return [start, *ends[:-1]]


def complete_sentences(text: str, length: int) -> str:
    """The longest beginning of a text, of at most `length` characters, that breaks off nowhere within a sentence.

    What breaks off at the text's own end, without a mark, is no complete sentence either.
    """
    for _, end in reversed(sentences(text)):
        beginning = text[:end].rstrip()
        if len(beginning) <= length and beginning.rstrip(_CLOSERS)[-1:] in set(_MARKS):
            return beginning
    return ""


def _pattern() -> str:
    marks = re.escape(_MARKS)
    special = ".!?…" + "".join(_SPEECH) + re.escape("".join(_BRACKETS))
    introduced = rf"(?>(?:[^{marks}\n：:{''.join(_SPEECH)}{_CLOSERS}]{{1,{_LONGEST_INTRODUCTION}}}+[：:]\s*)?)"
    # Groups are atomic, `(?>(?:…)*)`, and not possessive, `(?:…)*+`: Python before 3.11.5 takes these for something else (its
    # issue 106052), and never comes to an end here.
    body = []
    ends = [rf'[{marks}]++(?>(?:[{_CLOSERS}{marks}]|["\')\]](?!\w))*)', r"\n"]
    for opening, closing in _SPEECH.items():
        # A curly quote before the second straight one: a straight one is a slip of the typist, and opens nothing.
        strange = "“”" if opening == closing else ""
        speech = rf"[^{opening}{closing}{strange}\n]{{0,{_LONGEST_SPEECH}}}+{closing}"
        # Finished speech ends a sentence before more speech, before words that introduce it (他又说：“), or before a new English sentence.
        body.append(
            rf"{opening}{speech}(?!(?<=[{marks}]{closing})(?:\s*{introduced}[{''.join(_SPEECH)}]|\s+[A-Z]))"
        )
        body.append(rf"{opening}(?!{speech})")
        ends.append(rf"{opening}{speech}")
    for opening, closing in _BRACKETS.items():
        body.append(
            rf"{re.escape(opening)}(?>(?:[^{re.escape(opening)}{closing}\n]{{0,{_LONGEST_SPEECH}}}+{closing})?)"
        )
    # A mark ends nothing before a small letter, inside a number or an address, after an abbreviation or an initial.
    body.append(
        rf"[.!?…]++(?=[\"'{_CLOSERS}]*\s*[a-z])|…++(?![\s\"{_CLOSERS}]|\Z)|\.(?=[0-9A-Za-z])"
    )
    abbreviation = "|".join(rf"(?<=\b{word})" for word in [*_ABBREVIATIONS, "[A-Z]"])
    body.append(rf"(?:{abbreviation})\.(?!\s*\n|\Z)")
    # Words are taken in one go, here and again after each of the special cases.
    words = rf"[^{marks}\n{special}]*+"
    return rf"\s*+{words}(?>(?:(?=[{special}])(?:{'|'.join(body)}){words})*)(?>(?:(?:{'|'.join(ends)})\s*+)?)"


_SENTENCE = re.compile(_pattern())
