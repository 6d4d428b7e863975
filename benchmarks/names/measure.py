"""Labels of who is named where, and how well found names agree with them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass
class Count:
    """Found against named: mentions by their exact place, names by their characters."""

    right: int = 0
    found: int = 0
    named: int = 0
    found_names: set[str] = field(default_factory=set)
    named_names: set[str] = field(default_factory=set)
    false: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, text: str, label: dict, names: Iterable[tuple[int, str]]) -> None:
        """Count one text more; what may be taken for a name or not is left out."""
        named, either = labelled(text, label)
        found = [(start, start + len(name)) for start, name in names]
        found = [span for span in found if _meet(span, named) or not _meet(span, either)]
        self.right += len(set(found) & set(named))
        self.found += len(found)
        self.named += len(named)
        self.found_names |= {text[start:end] for start, end in found}
        self.named_names |= {text[start:end] for start, end in named}
        self.false += [text[start:end] for start, end in found if (start, end) not in set(named)]
        self.missed += [text[start:end] for start, end in named if (start, end) not in set(found)]

    def summary(self) -> dict:
        """Precision and recall of mentions and of distinct names."""
        both = len(self.found_names & self.named_names)
        return {
            "mentions": {
                "named": self.named,
                "precision": round(self.right / max(1, self.found), 3),
                "recall": round(self.right / max(1, self.named), 3),
            },
            "names": {
                "named": len(self.named_names),
                "precision": round(both / max(1, len(self.found_names)), 3),
                "recall": round(both / max(1, len(self.named_names)), 3),
            },
        }


def labelled(text: str, label: dict) -> tuple[list[Span], list[Span]]:
    """Where persons are named in a text, and where it may be said that they are, or not.

    Args:
        label: `names`, `either`, and `none`: contexts in which the characters of a name are something else.
    """
    none, either = (_spans(text, label.get(key, [])) for key in ("none", "either"))
    named = [
        span
        for span in _spans(text, label["names"])
        if not _inside(span, none) and not _inside(span, either)
    ]
    return named, [span for span in either if not _meet(span, named)]


def _spans(text: str, words: Sequence[str]) -> list[Span]:
    pattern = "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"
    return [found.span() for found in re.finditer(pattern, text)]


def _meet(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _inside(span: Span, others: Sequence[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)
