"""From bytes to text: find the encoding, refuse or drop what is no text, and remember each character's bytes."""

import codecs
import re
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
from charset_normalizer import from_bytes

from xuxie.errors import UserError
from xuxie.text.language import fitting, readability, reads_as
from xuxie.text.sources import Source

# Longest first: the mark of UTF-32-LE begins with that of UTF-16-LE.
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ENCODINGS = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
# Of English text too, the likeliest first, of which Latin-1 is a part. English is nearly all ASCII and reads well in whatever
# has that: only the few characters beyond it tell encodings apart.
_WESTERN = ("cp1252", "mac-roman", "cp850")
# Files that are said to be in the small sets hold characters of the large ones.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "utf-8-sig": "utf-8",
}
# What is looked at to tell encodings apart.
_PROBE = 1 << 18
# What reads worse than this is no text; true text in a wrong encoding stays below 0.1.
_LEAST_MERIT = 0.2
_READS_WELL = 0.5

# Stands in the text for bytes that are no text. No decoder yields a lone surrogate, so it cannot be taken for a character.
BAD = "\udcff"
_REPLACEMENT = "\ufffd"

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Decoded:
    """A source's text.

    Attributes:
        name: of the source.
        text: the characters, with `BAD` for each stretch of bytes that is not text.
        encoding: Python's name of the codec.
        bom: bytes of the byte order mark, which is not in the text.
        bad: the byte spans that `BAD` stands for, in order.
    """

    name: str
    text: str
    encoding: str
    bom: int
    bad: list[tuple[int, int]]

    def byte_offsets(self, positions: np.ndarray) -> np.ndarray:
        """Where in the source's bytes the characters at these ascending positions begin."""
        widths = _widths(self.encoding)
        bad_widths = np.array([end - start for start, end in self.bad], dtype=np.int64)
        offsets = np.empty(len(positions), dtype=np.int64)
        before, done, bad_done = self.bom, 0, 0
        for first in range(0, len(self.text) + 1, _BLOCK):
            codes = np.frombuffer(
                self.text[first : first + _BLOCK].encode("utf-32-le", "surrogatepass"),
                dtype=np.uint32,
            )
            lengths = widths[np.minimum(codes, 0x10000)].astype(np.int64)
            marks = np.flatnonzero(codes == ord(BAD))
            lengths[marks] = bad_widths[bad_done : bad_done + len(marks)]
            bad_done += len(marks)
            starts = np.concatenate(([before], before + np.cumsum(lengths)))
            here = np.searchsorted(
                positions, first + len(codes), side="left" if len(codes) == _BLOCK else "right"
            )
            offsets[done:here] = starts[positions[done:here] - first]
            before, done = int(starts[-1]), int(here)
        return offsets


def decode(
    source: Source, *, encoding: str = "auto", language: str = "zh", on_bad_bytes: str = "error"
) -> Decoded:
    """Decode a source.

    Args:
        encoding: a codec's name, or auto to find it out.
        language: zh, en or any; what the text must read as.
        on_bad_bytes: error, or drop to leave them in as `BAD`.

    Raises:
        UserError: no text, bytes that are no text in the encoding (with their offsets and the
            text around them), or a text in another language.
    """
    decoded = _plain_utf8(source) if encoding == "auto" else None
    if decoded is None:
        decoded = _lenient(
            source, _detect(source, language) if encoding == "auto" else _codec(encoding, source)
        )
    if decoded.bad and on_bad_bytes == "error":
        raise _bad_bytes(source, decoded)
    # Most of an EPUB page may be markup.
    if source.form != "html":
        check_language(decoded.text, language, source.name)
    return decoded


def check_language(text: str, language: str, name: str) -> None:
    """Raise a `UserError` if the text does not read as the language."""
    if not reads_as(text, language):
        raise UserError(
            f"the text does not read as {'Chinese' if language == 'zh' else 'English'}: {text[:60]!r}",
            where=name,
            remedy="set the novel's encoding or its language in the config",
        )


def _codec(encoding: str, source: Source) -> str:
    """The codec that is meant: the widest of its family, with the byte order of the mark."""
    try:
        codec = codecs.lookup(encoding).name
        codec = _WIDER.get(codec, codec)
        # Offsets need a codec in which every character has bytes of its own.
        if codec not in ("utf-16", "utf-32") and len("文文".encode(codec, "ignore")) != 2 * len(
            "文".encode(codec, "ignore")
        ):
            raise LookupError
    except (LookupError, UnicodeError, TypeError) as error:
        raise UserError(
            f"unknown encoding {encoding!r}",
            where=source.name,
            remedy="try utf-8, gb18030, big5hkscs or utf-16-le",
        ) from error
    if codec in ("utf-16", "utf-32"):
        return next(
            (
                marked
                for mark, marked in _BOMS.items()
                if marked.startswith(codec) and source.data.startswith(mark)
            ),
            f"{codec}-le",
        )
    return codec


def _plain_utf8(source: Source) -> Decoded | None:
    """The text if the bytes are valid UTF-8 throughout, which text in another encoding next to never is."""
    if source.data.startswith(tuple(_BOMS)) or b"\0" in source.data[:_PROBE]:
        return None
    try:
        text = source.data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _REPLACEMENT in text else Decoded(source.name, text, "utf-8", 0, [])


def _detect(source: Source, language: str) -> str:
    """The encoding in which the bytes read best. It may still have errors."""
    data = source.data
    for mark, codec in _BOMS.items():
        if data.startswith(mark):
            return codec
    # The file may be plain ASCII for long: look from the line where it ceases to be.
    beyond_ascii = re.search(rb"[\x80-\xff]", data)
    start = (
        data.rfind(b"\n", 0, max(beyond_ascii.start() - _PROBE // 2, 0)) + 1
        if beyond_ascii and b"\0" not in data[:_PROBE]
        else 0
    )
    probe = data[start : start + _PROBE]
    guess = from_bytes(probe).best()
    candidates = dict.fromkeys(
        [*([codecs.lookup(guess.encoding).name] if guess else []), *_ENCODINGS]
    )
    merits = {codec: _merit(probe, codec, language) for codec in candidates}
    best = max(merits, key=merits.__getitem__)
    if merits[best] < _LEAST_MERIT:
        raise UserError(
            f"the file is no text in any encoding that is known here; it begins with the bytes {data[:16].hex(' ')}",
            where=source.name,
            remedy="set the novel's encoding in the config, or save the file as UTF-8",
        )
    if language != "zh" and merits[best] >= _READS_WELL and b"\0" not in probe:
        readable = [codec for codec in candidates if merits[codec] >= _READS_WELL]
        best = max([*_WESTERN, *readable], key=lambda codec: _fit(probe, codec))
    return _codec(best, source)


def _fit(probe: bytes, codec: str) -> float:
    """What share of the characters beyond ASCII fits into English text; bytes that are no text fit nowhere."""
    text = probe.decode(codec, "ignore")
    lost = len(probe) - len(text.encode(codec, "ignore"))
    return fitting(text) / max(sum(not character.isascii() for character in text) + lost, 1)


def _merit(probe: bytes, codec: str, language: str) -> float:
    """How well the bytes read in the codec, less for bytes that are no text in it."""
    try:
        text = probe.decode(codec, "ignore")
    except (LookupError, UnicodeError):
        return 0.0
    lost = (len(probe) - len(text.encode(codec, "ignore"))) / len(probe)
    return readability(text, language) * max(1 - 5 * lost, 0)


def _lenient(source: Source, codec: str) -> Decoded:
    """Decode in one pass, noting what is no text. A replacement character in the source is no text either."""
    bom = next(
        (
            len(mark)
            for mark, marked in _BOMS.items()
            if marked == codec and source.data.startswith(mark)
        ),
        0,
    )
    spans: list[tuple[int, int]] = []

    def note(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)  # nothing is encoded here
        start, end = bom + error.start, bom + error.end
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
            return "", error.end
        spans.append((start, end))
        return BAD, error.end

    codecs.register_error("xuxie.note", note)
    text = codecs.decode(memoryview(source.data)[bom:], codec, "xuxie.note")
    decoded = Decoded(source.name, text, codec, bom, spans)
    if _REPLACEMENT not in text:
        return decoded
    places = np.array(
        [match.start() for match in re.finditer(f"[{BAD}{_REPLACEMENT}]", text)], dtype=np.int64
    )
    bad = zip(
        decoded.byte_offsets(places).tolist(),
        decoded.byte_offsets(places + 1).tolist(),
        strict=True,
    )
    return Decoded(source.name, text.replace(_REPLACEMENT, BAD), codec, bom, list(bad))


def _bad_bytes(source: Source, decoded: Decoded) -> UserError:
    shown = []
    places = islice((match.start() for match in re.finditer(BAD, decoded.text)), 3)
    for place, (start, end) in zip(places, decoded.bad, strict=False):
        around = (
            decoded.text[max(place - 15, 0) : place]
            + f"⟦{source.data[start:end][:20].hex(' ')}⟧"
            + decoded.text[place + 1 : place + 16]
        )
        shown.append(f"byte {start}: …{' '.join(around.replace(BAD, '⟦?⟧').split())}…")
    more = f" and {len(decoded.bad) - 3} more" if len(decoded.bad) > 3 else ""
    return UserError(
        f"{len(decoded.bad)} stretches of bytes are no text in {decoded.encoding}:\n    "
        + "\n    ".join(shown)
        + more,
        where=source.name,
        remedy="mend the file, set the novel's encoding, or set on_bad_bytes: drop to leave them out",
    )


@cache
def _widths(codec: str) -> np.ndarray:
    """How many bytes each character of the basic plane takes in the codec; the last entry is for any character beyond it."""
    widths = np.empty(0x10001, dtype=np.uint8)
    for code in range(0x10001):
        widths[code] = len(
            chr(code).encode(codec, "surrogatepass" if codec.startswith("utf") else "ignore")
        )
    return widths
