"""A novel's sources become one clean text; every step says what it did."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import accumulate

from xuxie.errors import UserError
from xuxie.text import characters, layout, markup, punctuation, watermarks
from xuxie.text.aligned import AlignedText, Tally
from xuxie.text.decode import Decoded, check_language, decode
from xuxie.text.lines import whole_lines
from xuxie.text.sources import Source

logger = logging.getLogger(__name__)

_READERS = {
    "text": markup.resolve_remains,
    "markdown": markup.read_markdown,
    "html": markup.read_html,
}
# Blocks of this many characters stay in the processor's cache.
_BLOCK = 1 << 19


@dataclass(frozen=True, slots=True)
class Normalised:
    """The clean text, where it comes from, and what was done.

    Attributes:
        aligned: the text, with its origins in the sources' texts one after another.
        decoded: the sources.
        tallies: for each step in order, what it did.
        repeated: the lines that were removed because they keep coming back, and how often.
    """

    aligned: AlignedText
    decoded: list[Decoded]
    tallies: dict[str, Tally]
    repeated: dict[str, int]

    def counts(self) -> dict:
        """The account of every character: decoded + added - removed = kept."""
        bases = [0, *accumulate(len(source.text) for source in self.decoded)]
        return {
            "sources": [
                {
                    "name": source.name,
                    "encoding": source.encoding,
                    "characters": len(source.text),
                    "begins_at": self.aligned.position_of(base),
                    "bad_bytes": {
                        "places": len(source.bad),
                        "bytes": sum(end - start for start, end in source.bad),
                        "first_at": [start for start, _ in source.bad[:20]],
                    },
                }
                for source, base in zip(self.decoded, bases, strict=False)
            ],
            "characters": {
                "decoded": sum(len(source.text) for source in self.decoded),
                "added": sum(tally.added for tally in self.tallies.values()),
                "removed": sum(tally.removed for tally in self.tallies.values()),
                "kept": len(self.aligned.text),
            },
            "steps": {step: asdict(tally) for step, tally in self.tallies.items()},
            "repeated_lines": self.repeated,
        }


def normalise(
    sources: Iterable[Source],
    *,
    encoding: str = "auto",
    on_bad_bytes: str = "error",
    language: str = "zh",
    steps: dict[str, bool],
    patterns=None,
) -> Normalised:
    """Decode the sources, clean each and join them to one text.

    Args:
        encoding: of all sources, or auto.
        on_bad_bytes: error or drop.
        language: what each source must read as: zh, en or any.
        steps: which steps to take, `normalise` of the novel.
        patterns: adverts to remove, from `watermarks.read_patterns`.

    Raises:
        UserError: a source does not decode, or nothing is left.
    """
    decoded: list[Decoded] = []
    parts: list[AlignedText] = []
    lengths: list[int] = []
    tallies: dict[str, Tally] = {}
    for source in sources:
        decoded.append(
            decode(source, encoding=encoding, on_bad_bytes=on_bad_bytes, language=language)
        )
        actions = _local_steps(source.form, patterns)
        blocks = (
            whole_lines(decoded[-1].text, _BLOCK) if source.form == "text" else [decoded[-1].text]
        )
        # Its bytes are needed no longer, and are as large as the text.
        del source
        if parts:
            tallies["files_joined"] = tallies.get("files_joined", Tally()) + parts[-1].append("\n")
        for block in blocks:
            parts.append(AlignedText(block))
            lengths.append(len(block))
            for step, action in actions.items():
                if steps.get(step, True):
                    tallies[step] = tallies.get(step, Tally()) + action(parts[-1])
    whole = AlignedText.joined(parts, lengths)
    del parts
    repeated: dict[str, int] = {}
    if steps["repeated_lines"]:
        tallies["repeated_lines"], repeated = watermarks.remove_repeated_lines(whole)
    tallies["broken_lines"], tallies["spaces"] = layout.lay_out(
        whole, join=steps["broken_lines"], strip=steps["spaces"]
    )
    if not any(map(str.isalpha, whole.text[:100_000])):
        raise UserError(
            "nothing is left that could be read",
            where=decoded[0].name,
            remedy="look at the file, and at the novel's settings",
        )
    check_language(whole.text, language, decoded[0].name)
    if "\ufffd" in whole.text:
        raise AssertionError("a replacement character is left in the text")
    return Normalised(whole, decoded, tallies, repeated)


def _local_steps(form: str, patterns) -> dict[str, Callable[[AlignedText], Tally]]:
    """The steps that need to see no more than a few lines at once."""
    return {
        "bad_bytes": characters.drop_bad_bytes,
        "line_endings": characters.unify_line_ends,
        "markup" if form == "text" else "form": _READERS[form],
        "invisible": characters.remove_invisible,
        "fullwidth": characters.narrow,
        "simplified": characters.simplify,
        "watermarks": lambda aligned: watermarks.remove_watermarks(aligned, patterns),
        # After whatever may bring a letter and its accent together.
        "unicode": characters.compose,
        "punctuation": punctuation.write_chinese_marks,
    }
