"""Text out of HTML and Markdown, and out of what copying from web pages leaves behind."""

import html
import re

from xuxie.text.aligned import AlignedText, Tally

_ATTRIBUTES = r"(?>(?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*'){0,200})"
_BLOCK = r"p|br|div|h[1-6]|li|ul|ol|tr|table|hr|blockquote|section|article|body|html|dt|dd|pre|figure|header|footer|center"
_INLINE = (
    r"span|b|i|u|s|em|strong|small|big|font|a|img|sup|sub|ruby|rb|td|th|script|style|strike|del|ins"
)

# The start of an element that is not empty: XHTML writes an empty one as `<title/>`.
_OPENED = r"\b[^>]{0,2000}(?<!/)>"
# What is never closed extends to the end, but for the readings of characters, which HTML need not close. Of a head, which it
# need not close either, these are all the text.
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[|\]\]>|<!DOCTYPE[^>]{0,2000}>|<\?[^>]{0,2000}\?>"
    rf"|<(title|script|style){_OPENED}.*?(?:</\1\s{{0,20}}>|\Z)"
    rf"|<(rt|rp|rtc){_OPENED}.*?(?:</\2\s{{0,20}}>|(?=</?(?:rt|rp|rtc|rb|ruby)\b)|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ANY_TAG = re.compile(rf"</?[A-Za-z]{_ATTRIBUTES}>")
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s{_ATTRIBUTES})?/?>", re.IGNORECASE)
_BLOCK_TAGS = re.compile(
    rf"</?(?:{_BLOCK})(?:\s{_ATTRIBUTES})?/?>(?>(?:\s*</?(?:{_BLOCK})(?:\s{_ATTRIBUTES})?/?>)*)",
    re.IGNORECASE,
)
_RULE_TAG = re.compile(r"<hr\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,12}[0-9]{0,2});")
_SOURCE_BREAK = re.compile(r"(?<![ \t\r])[ \t\r]*\n[ \t\r\n]*")

# Markdown, in the order in which it is resolved; the group `text`, if there is one, is what stays.
_MARKDOWN = [
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"\A---[ \t]*\n(?:[^\n]*\n){0,50}?---[ \t]*$",
        r"^```[^\n]*\n?",
        r"^[ \t]{0,3}(?:#{1,6}[ \t]+)(?P<text>[^\n]*?)[ \t]*#*[ \t]*$",
        r"^[ \t]{0,3}(?:=+|-{2,}|\*{3,}|_{3,}|\*[ \t]\*[ \t]\*|-[ \t]-[ \t]-)[ \t]*$",
        r"^[ \t]{0,3}(?:>[ \t]?)+",
        r"!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)",
        r"\[(?P<text>[^\]\n]{1,200})\]\([^)\n]{0,500}\)",
        r"(?P<mark>\*\*\*|\*\*|__)(?=\S)(?P<text>[^\n]{1,2000}?)(?<=\S)(?P=mark)",
        r"(?<!\*)\*(?=[^\s*])(?P<text>[^*\n]{1,2000})(?<=[^\s*])\*(?!\*)",
        r"(?<![\w_])_(?=[^\s_])(?P<text>[^_\n]{1,2000})(?<=[^\s_])_(?![\w_])",
        r"`(?P<text>[^`\n]{1,500})`",
        r"\\(?P<text>[\\`*_{}\[\]()#+\-.!>~|])",
    )
]


def read_html(aligned: AlignedText) -> Tally:
    """Leave the text of an HTML page: blocks become lines, a rule the end of a scene."""
    tally = aligned.sub(_UNSEEN)
    # A line end in the source of a page is a space, but nothing between Chinese characters.
    tally += aligned.sub(
        _SOURCE_BREAK, lambda match: " " if _between_words(aligned.text, *match.span()) else ""
    )
    return (
        tally
        + aligned.sub(_BLOCK_TAGS, _line_end)
        + aligned.sub(_ANY_TAG)
        + aligned.sub(_ENTITY, _character)
        + aligned.strip()
    )


def read_markdown(aligned: AlignedText) -> Tally:
    """Leave the text of a Markdown file."""
    tally = Tally()
    for pattern in _MARKDOWN:
        starts, ends = [], []
        for match in pattern.finditer(aligned.text):
            inner = (
                match.span("text") if "text" in pattern.groupindex else (match.end(), match.end())
            )
            starts += [match.start()] if inner[0] > match.start() else []
            ends += [inner[0]] if inner[0] > match.start() else []
            starts += [inner[1]] if match.end() > inner[1] else []
            ends += [match.end()] if match.end() > inner[1] else []
        tally += aligned.edit(starts, ends)
    return tally + resolve_remains(aligned)


def resolve_remains(aligned: AlignedText) -> Tally:
    """Resolve entities and well-known tags in what is said to be plain text."""
    tally = Tally()
    if "<" in aligned.text:
        tally += aligned.sub(_BLOCK_TAGS, _line_end) + aligned.sub(_INLINE_TAG)
    return tally + (aligned.sub(_ENTITY, _character) if "&" in aligned.text else Tally())


def _line_end(tags: re.Match) -> str:
    # A rule ends a scene, as several blank lines do.
    return "\n\n\n\n" if _RULE_TAG.search(tags[0]) else "\n"


def _character(match: re.Match) -> str:
    character = html.unescape(match[0])
    # An entity that names no character is dropped.
    return (
        ""
        if any(code in "\ufffd\0" or "\ud800" <= code <= "\udfff" for code in character)
        else character
    )


def _between_words(text: str, start: int, end: int) -> bool:
    return (
        text[max(start - 1, 0) : start].isascii()
        and text[end : end + 1].isascii()
        and start > 0
        and end < len(text)
    )
