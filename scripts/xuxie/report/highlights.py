"""What a reader should see highlighted in a text: copied runs, invented names, where repetition sets in, a stop that nobody honoured."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Segment:
    """A stretch of a text whose characters have the same highlights.

    Attributes:
        text: as the system wrote it.
        highlights: their names, in a fixed order ("copied", "invented", "repeating", "unstopped").
        begins: those of them that begin here.
    """

    text: str
    highlights: tuple[str, ...]
    begins: tuple[str, ...]


def segments(text: str, spans: dict[str, list[tuple[int, int]]]) -> list[Segment]:
    """Cut a text at every edge of a highlight.

    Args:
        spans: half-open character offsets of each highlight; different ones may overlap.
    """
    inside = {
        name: [(max(0, start), min(end, len(text))) for start, end in found]
        for name, found in spans.items()
    }
    edges = {0, len(text)}.union(
        edge for found in inside.values() for span in found for edge in span
    )
    points = sorted(edge for edge in edges if 0 <= edge <= len(text))
    cut = []
    for start, end in pairwise(points):
        here = tuple(
            name for name, found in inside.items() if any(a <= start and end <= b for a, b in found)
        )
        begins = tuple(name for name in here if any(a == start for a, _ in inside[name]))
        cut.append(Segment(text[start:end], here, begins))
    return cut


def output_spans(text: str, found: dict, output: dict) -> dict[str, list[tuple[int, int]]]:
    """The spans of one output from what evaluation.json says of it and its entry in samples.jsonl."""
    foreign_stop = output.get("foreign_stop")
    return {
        "copied": [tuple(span) for span in found["copied"]],
        "invented": [
            (offset, offset + len(name)) for offset, name in found.get("invented_names") or []
        ],
        "repeating": [] if found["onset"] is None else [(found["onset"], len(text))],
        "unstopped": [] if foreign_stop is None else [(foreign_stop, len(text))],
    }
