"""A text under edit that still knows where each of its characters comes from."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from xuxie.text.lines import Lines

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Tally:
    """What edits did: characters changed in place, removed and added, and in how many places."""

    places: int = 0
    changed: int = 0
    removed: int = 0
    added: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            *(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))
        )


class AlignedText:
    """A text and, run by run, the positions of its characters in the original.

    Within a run the characters follow each other as they do in the original, so a run is told by
    its start in the text and its start in the original.
    """

    def __init__(self, text: str):
        self.text = text
        self._starts = np.zeros(1, dtype=np.int64)
        self._origins = np.zeros(1, dtype=np.int64)
        self._alphabet: str | None = None
        self._lines: Lines | None = None

    @classmethod
    def joined(cls, parts: Sequence["AlignedText"], lengths: Sequence[int]) -> "AlignedText":
        """The parts one after another, and so their originals, which are of these lengths."""
        whole = cls("".join([part.text for part in parts]))
        places = np.cumsum([0, *(len(part.text) for part in parts[:-1])])
        bases = np.cumsum([0, *lengths[:-1]])
        whole._starts = np.concatenate(
            [part._starts + place for part, place in zip(parts, places, strict=True)]
        )
        whole._origins = np.concatenate(
            [part._origins + base for part, base in zip(parts, bases, strict=True)]
        )
        # A part of which nothing is left has an empty run.
        last = np.append(whole._starts[1:] != whole._starts[:-1], True)
        whole._starts, whole._origins = whole._starts[last], whole._origins[last]
        return whole

    def sub(self, pattern: re.Pattern, replacement: str | Callable[[re.Match], str] = "") -> Tally:
        """Replace what matches, as `re.sub` does."""
        if isinstance(replacement, str):
            spans = [match.span() for match in pattern.finditer(self.text)]
            return self.edit([start for start, _ in spans], [end for _, end in spans], replacement)
        edits = [
            (*match.span(), new)
            for match in pattern.finditer(self.text)
            if (new := replacement(match)) != match[0]
        ]
        return (
            self.edit(*(list(column) for column in zip(*edits, strict=True))) if edits else Tally()
        )

    def edit(
        self, starts: Sequence[int], ends: Sequence[int], replacements: str | Sequence[str] = ""
    ) -> Tally:
        """Replace the spans, ascending and disjoint, each by its own replacement or all by the same.

        A replacement's characters count as those it replaces, one by one from the left.
        """
        if not len(starts):
            return Tally()
        text = self.text
        pieces = [text[end:start] for end, start in zip([0, *ends[:-1]], starts, strict=True)]
        tail = text[ends[-1] :]
        widths: int | list[int]
        if isinstance(replacements, str):
            edited = replacements.join([*pieces, tail])
            widths, new = len(replacements), [replacements]
        else:
            edited = (
                "".join([part for pair in zip(pieces, replacements, strict=True) for part in pair])
                + tail
            )
            widths, new = list(map(len, replacements)), list(replacements)
        self._alphabet = self._alphabet and _each_once(self._alphabet, *new)
        return self._moved(
            edited, np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64), widths
        )

    def append(self, text: str) -> Tally:
        """Add to the end."""
        return self.edit([len(self.text)], [len(self.text)], text)

    def strip(self) -> Tally:
        """Remove the white space at both ends."""
        start, end = len(self.text) - len(self.text.lstrip()), len(self.text.rstrip())
        return self.edit([0, max(start, end)], [start, len(self.text)])

    def replace(self, old: str, new: str) -> Tally:
        """Replace a literal, as `str.replace` does. `old` must not overlap with itself."""
        if old not in self.text:
            return Tally()
        starts = _places(self.text, old)
        self._alphabet = self._alphabet and _each_once(self._alphabet, new)
        # An end that stays, as the LF of CRLF does, is no part of the edit.
        kept = len(new) if old.endswith(new) else 0
        return self._moved(
            self.text.replace(old, new), starts, starts + len(old) - kept, len(new) - kept
        )

    def _moved(
        self, text: str, old_starts: np.ndarray, old_ends: np.ndarray, widths: int | Sequence[int]
    ) -> Tally:
        """Take an edited text; the runs move along."""
        new_lengths = np.broadcast_to(np.asarray(widths, dtype=np.int64), old_starts.shape)
        # How far what follows each edit has moved.
        grown = new_lengths - (old_ends - old_starts)
        moved = np.cumsum(grown)
        new_starts = old_starts + moved - grown
        # Runs begin after each edit, at each edit that leaves something, and where they did before.
        after = np.searchsorted(old_ends, self._starts, side="right")
        outside = (after == len(old_starts)) | (
            self._starts <= old_starts[np.minimum(after, len(old_starts) - 1)]
        )
        shift = np.where(after > 0, moved[after - 1], 0)
        begins = np.concatenate(
            (
                self._starts[outside] + shift[outside],
                new_starts[new_lengths > 0],
                new_starts + new_lengths,
            )
        )
        origins = np.concatenate(
            (
                self._origins[outside],
                self.origins(old_starts[new_lengths > 0]),
                self.origins(old_ends),
            )
        )
        order = np.argsort(begins, kind="stable")
        begins, origins = begins[order], origins[order]
        # Of several runs at one place the last one written counts; a run that only continues the one before it is left out.
        last = np.append(begins[1:] != begins[:-1], True)
        begins, origins = begins[last], origins[last]
        news = np.append(True, np.diff(origins) != np.diff(begins))
        self.text, self._starts, self._origins = text, begins[news], origins[news]
        self._lines = None
        return Tally(
            places=len(old_starts),
            changed=int(np.minimum(new_lengths, old_ends - old_starts).sum()),
            removed=int(-grown[grown < 0].sum()),
            added=int(grown[grown > 0].sum()),
        )

    @property
    def alphabet(self) -> str:
        """The characters that the text has or had, each once: quick to ask whether a step has anything to do."""
        if self._alphabet is None:
            present = np.zeros(0x110000, dtype=bool)
            for codes in _blocks(self.text):
                present[codes] = True
            self._alphabet = "".join(map(chr, np.flatnonzero(present).tolist()))
        return self._alphabet

    @property
    def lines(self) -> Lines:
        """The written lines of the text as it is now."""
        if self._lines is None:
            self._lines = Lines(self.text)
        return self._lines

    def substitute(self, text: str) -> Tally:
        """Take a text of the same length, character for character."""
        if text == self.text:
            return Tally()
        changed = sum(
            int(np.count_nonzero(old != new))
            for old, new in zip(_blocks(self.text), _blocks(text), strict=True)
        )
        self.text, self._alphabet, self._lines = text, None, None
        return Tally(places=changed, changed=changed)

    def origins(self, positions: np.ndarray) -> np.ndarray:
        """Where in the original the characters at these positions come from."""
        runs = np.searchsorted(self._starts, positions, side="right") - 1
        return self._origins[runs] + positions - self._starts[runs]

    def position_of(self, origin: int) -> int:
        """Where in the text the original's characters from this one on begin; the edits must have kept their order."""
        run = int(np.searchsorted(self._origins, origin))
        return int(self._starts[run]) if run < len(self._starts) else len(self.text)

    def runs(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each run starts in the text, and where in the original."""
        return self._starts, self._origins


def _each_once(*texts: str) -> str:
    return "".join(sorted(set().union(*texts)))


def _places(text: str, literal: str) -> np.ndarray:
    """Where a literal occurs. Its first character is searched for in one go, the rest one by one."""
    first = np.concatenate(
        [
            np.flatnonzero(codes == ord(literal[0])) + block * _BLOCK
            for block, codes in enumerate(_blocks(text))
        ]
    )
    if len(literal) == 1 or text.count(literal[0]) == text.count(literal):
        return first
    return np.array(
        [place for place in first.tolist() if text.startswith(literal, place)], dtype=np.int64
    )


def _blocks(text: str) -> Iterator[np.ndarray]:
    """The code points, a block at a time: the whole would take four bytes each."""
    for first in range(0, len(text), _BLOCK):
        yield np.frombuffer(
            text[first : first + _BLOCK].encode("utf-32-le", "surrogatepass"), dtype=np.uint32
        )
