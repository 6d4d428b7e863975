"""A text under edit that still knows where each of its characters comes from."""

import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Tally:
    """What edits did: characters changed in place, removed and added, and in how many places."""

    places: int = 0
    changed: int = 0
    removed: int = 0
    added: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


class Draft:
    """A text and, run by run, the positions of its characters in the original.

    Within a run the characters follow each other as they do in the original, so a run is told by
    its start in the text and its start in the original.
    """

    def __init__(self, text: str):
        self.text = text
        self._starts = np.zeros(1, dtype=np.int64)
        self._origins = np.zeros(1, dtype=np.int64)

    @classmethod
    def joined(cls, drafts: Sequence["Draft"], lengths: Sequence[int]) -> "Draft":
        """The drafts one after another, a line end between them; their originals too, of these lengths, with nothing between."""
        whole = cls("\n".join(draft.text for draft in drafts))
        places = np.cumsum([0, *(len(draft.text) + 1 for draft in drafts[:-1])])
        bases = np.cumsum([0, *lengths[:-1]])
        whole._starts = np.concatenate([draft._starts + place for draft, place in zip(drafts, places, strict=True)])
        whole._origins = np.concatenate([draft._origins + base for draft, base in zip(drafts, bases, strict=True)])
        return whole

    def sub(self, pattern: re.Pattern, replacement: str | Callable[[re.Match], str] = "") -> Tally:
        """Replace what matches, as `re.sub` does."""
        if isinstance(replacement, str):
            spans = [match.span() for match in pattern.finditer(self.text)]
            return self.edit([start for start, _ in spans], [end for _, end in spans], replacement)
        edits = [(*match.span(), new) for match in pattern.finditer(self.text) if (new := replacement(match)) != match[0]]
        return self.edit(*(list(column) for column in zip(*edits, strict=True))) if edits else Tally()

    def edit(self, starts: Sequence[int], ends: Sequence[int], replacements: str | Sequence[str] = "") -> Tally:
        """Replace the spans, ascending and disjoint, each by its own replacement or all by the same.

        A replacement's characters count as those it replaces, one by one from the left.
        """
        if not len(starts):
            return Tally()
        text, same = self.text, isinstance(replacements, str)
        pieces = [text[end:start] for end, start in zip([0, *ends[:-1]], starts, strict=True)]
        tail = text[ends[-1] :]
        self.text = (
            replacements.join([*pieces, tail])
            if same
            else "".join([part for pair in zip(pieces, replacements, strict=True) for part in pair]) + tail
        )
        old_starts, old_ends = np.asarray(starts, dtype=np.int64), np.asarray(ends, dtype=np.int64)
        widths = np.full(len(starts), len(replacements), dtype=np.int64) if same else np.array(list(map(len, replacements)), dtype=np.int64)
        # How far what follows each edit has moved.
        moved = np.cumsum(widths - (old_ends - old_starts))
        new_starts = old_starts + np.concatenate(([0], moved[:-1]))
        # Runs begin after each edit, at each edit that leaves something, and where they did before.
        after = np.searchsorted(old_ends, self._starts, side="right")
        outside = (after == len(starts)) | (self._starts <= old_starts[np.minimum(after, len(starts) - 1)])
        shift = np.where(after > 0, moved[after - 1], 0)
        begins = np.concatenate((self._starts[outside] + shift[outside], new_starts[widths > 0], new_starts + widths))
        origins = np.concatenate((self._origins[outside], self.origins(old_starts[widths > 0]), self.origins(old_ends)))
        order = np.argsort(begins, kind="stable")
        begins, origins = begins[order], origins[order]
        # Of several runs at one place the last one written counts; a run that only continues the one before it is none.
        last = np.append(begins[1:] != begins[:-1], True)
        begins, origins = begins[last], origins[last]
        news = np.append(True, np.diff(origins) != np.diff(begins))
        self._starts, self._origins = begins[news], origins[news]
        grown = widths - (old_ends - old_starts)
        return Tally(
            places=len(starts),
            changed=int(np.minimum(widths, old_ends - old_starts).sum()),
            removed=int(-grown[grown < 0].sum()),
            added=int(grown[grown > 0].sum()),
        )

    def substitute(self, text: str) -> Tally:
        """Take a text of the same length, character for character."""
        if text == self.text:
            return Tally()
        before, after = (np.frombuffer(value.encode("utf-32-le", "surrogatepass"), dtype=np.uint32) for value in (self.text, text))
        self.text = text
        changed = int(np.count_nonzero(before != after))
        return Tally(places=changed, changed=changed)

    def origins(self, positions: np.ndarray) -> np.ndarray:
        """Where in the original the characters at these positions come from."""
        runs = np.searchsorted(self._starts, positions, side="right") - 1
        return self._origins[runs] + positions - self._starts[runs]

    def runs(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each run starts in the text, and where in the original."""
        return self._starts, self._origins
