"""What a heading looks like: the form of one line, in Chinese and in English."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from xuxie.text import numerals

# The longest line that is looked at.
LONGEST = 80

_NUMERAL = rf"[0-9{numerals.CHINESE}]{{1,9}}"
_CHAPTER_UNITS = "章节|[章回话話折节節幕场場]"
_VOLUME_UNITS = "[卷部篇集册冊季辑輯]"
_SPECIAL = {
    "prologue": "楔子|序章|序幕|序言|序曲|自序|代序|序|引子|引言|前言|缘起|prologue|preface|foreword|introduction",
    "extra": "番外篇|番外|外传|外傳|interlude",
    "epilogue": "尾声|尾聲|终章|終章|终曲|大结局|大結局|epilogue",
    "afterword": "后记|後記|跋|附录|附錄|完本感言|afterword|appendix",
}
_KIND_OF = {word: kind for kind, words in _SPECIAL.items() for word in words.split("|")}

_DECORATION = r"[\s【《〈\[（(*#=~\-—·•◆■★☆]*"
_PREFIX = rf"{_DECORATION}(?:《[^《》]{{1,30}}》)?(?:正文|VIP章节|VIP)?[\s:：、.]*"
_SEPARATOR = r"[\s:：、.．·,，—\-_~～|）)】\]》]"
_SEPARATED = re.compile(_SEPARATOR)
_AROUND_TITLE = re.compile(rf"^{_SEPARATOR}+|[\s】\])）*#=~\-—]+$")
_VOLUME = (
    rf"(?:第\s*(?P<volume>{_NUMERAL})\s*(?P<volume_unit>{_VOLUME_UNITS})"
    rf"|(?P<volume_unit2>[卷部])之?\s*(?P<volume2>{_NUMERAL})(?![^\s:：、.·第]))"
)
_NUMBERED = re.compile(
    rf"{_PREFIX}(?:{_VOLUME}(?P<volume_title>[^第\n]{{0,20}}))??第\s*(?P<number>{_NUMERAL})\s*(?P<unit>{_CHAPTER_UNITS})(?P<rest>.*)"
)
_VOLUME_ALONE = re.compile(
    rf"{_PREFIX}(?:{_VOLUME}|(?P<part>[上中下])[卷部篇册](?!\S))(?P<rest>.*)"
)
_ENGLISH = re.compile(
    rf"{_DECORATION}(?P<unit>chapter|part|book|volume)\s+(?P<number>[0-9]+|[ivxlcdm]+|[a-z]+(?:-[a-z]+)?)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_SPECIALLY_NAMED = re.compile(
    rf"{_PREFIX}(?P<name>{'|'.join(_SPECIAL.values())})(?P<number>{_NUMERAL})?(?P<rest>.*)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"[（(【\[]?(?P<number>{_NUMERAL}|[IVXLC]{{1,8}})(?:[）)】\]]|(?=[\s、.．:：])|$)[、.．:：]?(?P<rest>.*)"
)

# What every form begins with: one look instead of one for each.
_PLAUSIBLE = re.compile(
    rf"{_PREFIX}(?:第|[卷部]|[上中下][卷部篇册]|chapter|part|book|volume|{'|'.join(_SPECIAL.values())}"
    rf"|[（(【\[]?(?:{_NUMERAL}|[IVXLC]{{1,8}})(?:[\s、.．:：）)】\]]|$))",
    re.IGNORECASE,
)

_FIRST = frozenset(
    f"第卷部上中下0123456789{numerals.CHINESE}正V【《〈[（(*#=~-—·•◆■★☆"
    + "".join(f"{word[0]}{word[0].upper()}" for word in _KIND_OF)
    + "cCpPbBvIVXLC"
)
# A line that begins like one of them; the first character tells most lines of prose apart.
_SUSPECT = re.compile(
    rf"\n[ \t\u3000]*[{re.escape(''.join(sorted(_FIRST)))}][^\n]{{0,{LONGEST}}}(?=\n|\Z)"
)

# After 第三章 these go on with a sentence, not with a title.
_GOES_ON = tuple("的里裡中末后後前开開也是就了呢吗和与與合课課，。；！？”")
_SENTENCE_END = tuple('。，；、：:,;”"')


@dataclass(frozen=True, slots=True)
class Heading:
    """What a line says if it is a heading.

    Attributes:
        kind: chapter, volume, prologue, extra, epilogue, afterword, or bare for a number alone.
        unit: the character or word that counts (章, 卷, chapter); empty for the other kinds.
        number: the chapter's number, if it has one.
        title: what follows; empty if nothing does.
        sure: whether the form alone tells; otherwise the numbering has to.
        volume: the volume named on the same line.
    """

    kind: str
    unit: str
    number: int | None
    title: str
    sure: bool
    volume: int | None = None


@dataclass(frozen=True, slots=True)
class HeadingLine:
    """A line that has the form of a heading, and the last non-blank character before it."""

    start: int
    end: int
    heading: Heading
    before: str

    @property
    def key(self) -> tuple:
        """What is the same in two lines that announce the same chapter."""
        heading = self.heading
        title = "".join(filter(str.isalnum, heading.title))
        return heading.kind, heading.unit, heading.number, heading.volume, title


def found_in(text: str) -> Iterator[tuple[int, int, Heading]]:
    """The lines in the form of a heading, with their spans."""
    first_end = text.find("\n")
    lines = chain(
        [(0, len(text) if first_end < 0 else first_end)],
        ((match.start() + 1, match.end()) for match in _SUSPECT.finditer(text)),
    )
    for start, end in lines:
        if heading := parse(text[start:end]):
            yield start, end, heading


def parse(line: str) -> Heading | None:
    """Read a line as a heading; None if it has no such form."""
    if len(line) > LONGEST or not (line := line.strip()) or line[0] not in _FIRST:
        return None
    if not _PLAUSIBLE.match(line):
        return None
    for read in (_numbered, _volume_alone, _english, _specially_named, _bare):
        heading = read(line)
        if heading is not None:
            return heading
    return None


def _numbered(line: str) -> Heading | None:
    match = _NUMBERED.fullmatch(line)
    if not match or len(line) > 60 or (number := numerals.number(match["number"])) is None:
        return None
    rest = match["rest"]
    if rest.startswith(_GOES_ON):
        return None
    volume = match["volume"] or match["volume2"]
    sure = (not rest or _SEPARATED.match(rest) is not None) and not rest.endswith(_SENTENCE_END)
    in_volume = numerals.number(volume) if volume else None
    return Heading("chapter", match["unit"][0], number, _title(rest), sure, in_volume)


def _volume_alone(line: str) -> Heading | None:
    match = _VOLUME_ALONE.fullmatch(line)
    if (
        not match
        or len(line) > 40
        or match["rest"].startswith(_GOES_ON)
        or match["rest"].endswith(_SENTENCE_END)
    ):
        return None
    if match["part"]:
        return Heading(
            "volume", "卷", "上中下".index(match["part"]) + 1, _title(match["rest"]), True
        )
    number = numerals.number(match["volume"] or match["volume2"])
    sure = not match["rest"] or _SEPARATED.match(match["rest"]) is not None
    return (
        Heading(
            "volume",
            match["volume_unit"] or match["volume_unit2"],
            number,
            _title(match["rest"]),
            sure,
        )
        if sure
        else None
    )


def _english(line: str) -> Heading | None:
    match = _ENGLISH.fullmatch(line)
    if not match or (number := numerals.number(match["number"])) is None:
        return None
    title = _title(match["rest"])
    if title[:1].islower() or match["rest"].endswith((",", ";")):
        return None
    return Heading(
        "chapter" if match["unit"].lower() == "chapter" else "volume",
        match["unit"].lower(),
        number,
        title,
        True,
    )


def _specially_named(line: str) -> Heading | None:
    match = _SPECIALLY_NAMED.fullmatch(line)
    if not match or len(line) > 40 or match["rest"].endswith(_SENTENCE_END):
        return None
    kind, rest = _KIND_OF[match["name"].lower()], match["rest"]
    attached = rest and not _SEPARATED.match(rest)
    title = _title(rest)
    if title[:1].islower() or (attached and not (kind == "extra" and rest.startswith("之"))):
        return None
    return Heading(kind, "", numerals.number(match["number"] or ""), title, True)


def _bare(line: str) -> Heading | None:
    match = _BARE.fullmatch(line)
    if (
        not match
        or len(line) > 30
        or match["rest"].endswith(_SENTENCE_END)
        or (number := numerals.number(match["number"])) is None
    ):
        return None
    title = _title(match["rest"])
    return None if title[:1].islower() else Heading("bare", "", number, title, False)


def _title(rest: str) -> str:
    return _AROUND_TITLE.sub("", rest)
