"""Everything that is counted in what the systems wrote, and in what the author wrote in the same place."""

from collections.abc import Iterable, Sequence

from xuxie.dataset.alpaca import prose
from xuxie.evaluation.intervals import (
    interval_of_estimates,
    interval_of_rate,
    interval_of_share,
)
from xuxie.evaluation.lengths import systems_of
from xuxie.evaluation.likelihood import POSITIONS
from xuxie.evaluation.memorisation import copied_runs, copy_lengths
from xuxie.evaluation.style import Style
from xuxie.files.novel_text import chapter_of
from xuxie.overlap.ngrams import dense, ngrams
from xuxie.overlap.repetition import different, longest_repeat, repeated, repetition_onset
from xuxie.sampling.authors import HUMAN, as_configured, text_of
from xuxie.text.names import NameFinder, mostly_chinese

_SHARES = {"seq_rep_4", "distinct_2", "copied_30"}


def training_text(rows: Iterable[dict]) -> str:
    """All of the novel that was trained on, raw text or rows with their earlier turns: what a model can have copied from."""
    return "\n".join(row["text"] if "text" in row else prose(row) for row in rows)


class Highlighter:
    """What of a text a reader should see highlighted.

    Args:
        novel: the whole novel, the held-out part included.
        training: the text of all rows trained on.
    """

    def __init__(self, novel: str, training: str):
        self._novel, self._training = novel, training
        self.finder = NameFinder(novel) if mostly_chinese([novel]) else None

    def highlights(self, texts: Sequence[tuple[str, str]]) -> list[dict]:
        """Copies, the onset of repetition, and new names of each text.

        Args:
            texts: what stands before each text, and the text.
        """
        lengths = copy_lengths(self._training, [text for _, text in texts])
        return [
            {
                "copied": copied_runs(text, copied),
                "longest_copy": max(copied, default=0),
                "onset": repetition_onset(text),
                "new_names": self._unknown(text, self._training + before),
                "invented_names": self._unknown(text, self._novel + before),
            }
            for (before, text), copied in zip(texts, lengths, strict=True)
        ]

    def _unknown(self, text: str, known: str) -> list[tuple[int, str]] | None:
        return self.finder.unknown(text, known) if self.finder else None


def text_metrics(text: str, highlights: dict) -> dict[str, tuple[float, float]]:
    """What is counted in one text, by metric: (how much of it, out of how much).

    Args:
        highlights: what `Highlighter` found in it.
    """
    metrics: dict[str, tuple[float, float]] = {
        "seq_rep_4": repeated(text, 4),
        "distinct_2": different(text, 2),
        "longest_repeat": (longest_repeat(text), 1),
        "copied_30": (sum(end - start for start, end in highlights["copied"]), len(text)),
        "longest_copy": (highlights["longest_copy"], 1),
    }
    for metric in ("new_names", "invented_names"):
        if highlights[metric] is not None:
            metrics[metric] = (len({found for _, found in highlights[metric]}), len(text) / 1000)
    return metrics


def measure_texts(samples: Sequence[dict], highlighter: Highlighter, style: Style) -> dict:
    """Metrics of every system's outputs, the author's true continuation being one of them.

    Args:
        samples: the rows of samples.jsonl.
        highlighter: knows the novel and what of it was trained on.
        style: the author's hand.

    Returns:
        systems: by system the metrics with intervals; by_position: repetition by stretch of the text;
        rows: by row id and system what a reader should see highlighted.
    """
    names = systems_of(samples)
    texts = {
        name: [(sample, text) for sample in samples if (text := text_of(sample, name)) is not None]
        for name in names
    }
    highlights = iter(
        highlighter.highlights(
            [(sample["prompt"]["input"], text) for name in names for sample, text in texts[name]]
        )
    )
    systems = {}
    rows: dict[str, dict[str, dict]] = {sample["id"]: {} for sample in samples}
    cut = equally_long(samples, as_configured(names))
    for name in names:
        found = [next(highlights) for _ in texts[name]]
        for (sample, _), row in zip(texts[name], found, strict=True):
            rows[sample["id"]][name] = row
        systems[name] = {
            **_metrics(name, texts[name], found),
            "style_delta": _delta(cut.get(name, []), style),
        }
    by_position = []
    for start, end in POSITIONS:
        stretch = {name: _repetition_between(texts[name], start, end) for name in names}
        if any(value["value"] is not None for value in stretch.values()):
            by_position.append({"start": start, "end": end, "seq_rep_4": stretch})
    return {"systems": systems, "by_position": by_position, "rows": rows}


def equally_long(
    samples: Sequence[dict], systems: Sequence[str]
) -> dict[str, list[tuple[dict, str]]]:
    """(sample, beginning of the text) by system, after every prompt as long for one as for the others.

    A system that wrote nothing at all is left out, and so is a prompt after which one of the others wrote nothing.
    """
    writing = [name for name in systems if any(text_of(sample, name) for sample in samples)]
    found: dict[str, list[tuple[dict, str]]] = {name: [] for name in writing}
    for sample in samples:
        texts = [text_of(sample, name) or "" for name in writing]
        length = min(map(len, texts), default=0)
        if length:
            for name, text in zip(writing, texts, strict=True):
                found[name].append((sample, text[:length]))
    return found


def _metrics(name: str, texts: list[tuple[dict, str]], highlights: list[dict]) -> dict:
    chapters = [chapter_of(sample) for sample, _ in texts]
    each = [1] * len(texts)
    metrics = {"characters": interval_of_rate([len(text) for _, text in texts], each, chapters)}
    if name != HUMAN:
        outputs = [sample["outputs"][name] for sample, _ in texts]
        stops = [output["stop"] == "natural" for output in outputs]
        metrics["natural_stop"] = interval_of_share(stops, each, chapters)
        stops = [output["foreign_stop"] is not None for output in outputs]
        metrics["foreign_stop"] = interval_of_share(stops, each, chapters)
    counted = [
        text_metrics(text, found) for (_, text), found in zip(texts, highlights, strict=True)
    ]
    for metric in counted[0] if counted else ():
        interval = interval_of_share if metric in _SHARES else interval_of_rate
        parts, wholes = zip(*(one[metric] for one in counted), strict=True)
        metrics[metric] = interval(parts, wholes, chapters)
    return metrics


def _delta(texts: list[tuple[dict, str]], style: Style) -> dict:
    """Delta of all texts as one."""
    chapters = [chapter_of(sample) for sample, _ in texts]
    without = [
        style.delta(
            "".join(
                text
                for (_, text), chapter in zip(texts, chapters, strict=True)
                if chapter != left_out
            )
        )
        for left_out in dict.fromkeys(chapters)
    ]
    return interval_of_estimates(
        style.delta("".join(text for _, text in texts)),
        [] if None in without else [delta for delta in without if delta is not None],
    )


def _repetition_between(texts: list[tuple[dict, str]], start: int, end: int) -> dict:
    """Share of the 4-grams beginning in a stretch that stood in the text before."""
    repeated, counted, chapters = [], [], []
    for sample, text in texts:
        seen: set[str] = set()
        hits = total = 0
        for place, gram in enumerate(ngrams(dense(text), 4)):
            if start <= place < end:
                total += 1
                hits += gram in seen
            seen.add(gram)
        repeated.append(hits)
        counted.append(total)
        chapters.append(chapter_of(sample))
    return interval_of_share(repeated, counted, chapters)
