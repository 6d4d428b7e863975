"""Everything that is counted in what the systems wrote, and in what the author wrote in the same place."""

from collections.abc import Iterable, Sequence

from xuxie.dataset.alpaca import prose
from xuxie.evaluation.intervals import (
    interval_of_estimates,
    interval_of_mean,
    interval_of_ratio,
    interval_of_share,
)
from xuxie.evaluation.likelihood import POSITIONS
from xuxie.evaluation.memorisation import copied_runs, copy_lengths
from xuxie.evaluation.names import NameFinder, mostly_chinese
from xuxie.evaluation.repetition import longest_repeat, repetition_onset
from xuxie.evaluation.style import Style
from xuxie.overlap.ngrams import dense, ngrams
from xuxie.sampling.authors import HUMAN


def training_text(rows: Iterable[dict]) -> str:
    """All of the novel that rows were trained on, their earlier turns too: what a model can have copied from."""
    return "\n".join(map(prose, rows))


def measure_texts(samples: Sequence[dict], *, novel: str, training: str, style: Style) -> dict:
    """Metrics of every system's outputs, the author's true continuation being one of them.

    Args:
        samples: the rows of samples.jsonl.
        novel: the whole novel, the held-out part included.
        training: the text of all rows trained on.
        style: the author's hand.

    Returns:
        systems: by system the metrics with intervals; by_position: repetition by stretch of the text;
        rows: by row id and system what a reader should see highlighted.
    """
    finder = NameFinder(novel) if mostly_chinese([novel]) else None
    names = [HUMAN, *dict.fromkeys(system for sample in samples for system in sample["outputs"])]
    systems = {}
    rows: dict[str, dict[str, dict]] = {sample["id"]: {} for sample in samples}
    by_position = []
    texts = {
        name: [(sample, text) for sample in samples if (text := _text(sample, name)) is not None]
        for name in names
    }
    lengths = iter(copy_lengths(training, [text for name in names for _, text in texts[name]]))
    for name in names:
        found = []
        for sample, text in texts[name]:
            copied = next(lengths)
            known = novel + sample["prompt"]["input"]
            row = {
                "copied": copied_runs(text, copied),
                "longest_copy": max(copied, default=0),
                "onset": repetition_onset(text),
                "new_names": finder.unknown(text, training + sample["prompt"]["input"])
                if finder
                else None,
                "invented_names": finder.unknown(text, known) if finder else None,
            }
            found.append(row)
            rows[sample["id"]][name] = row
        systems[name] = _metrics(name, texts[name], found, style)
    for start, end in POSITIONS:
        stretch = {name: _repetition_between(texts[name], start, end) for name in names}
        if any(value["value"] is not None for value in stretch.values()):
            by_position.append({"start": start, "end": end, "seq_rep_4": stretch})
    return {"systems": systems, "by_position": by_position, "rows": rows}


def _text(sample: dict, system: str) -> str | None:
    if system == HUMAN:
        return sample["reference"]
    output = sample["outputs"].get(system)
    return output and output["text"]


def _metrics(name: str, texts: list[tuple[dict, str]], found: list[dict], style: Style) -> dict:
    chapters = [(sample["novel"], sample["chapter"]) for sample, _ in texts]
    written = [len(text) for _, text in texts]

    def mean(values: Sequence[float]) -> dict:
        return interval_of_mean(values, chapters)

    def share(parts: Sequence[float], wholes: Sequence[float]) -> dict:
        return interval_of_share(parts, wholes, chapters)

    def grams(n: int) -> tuple[list[int], list[int]]:
        runs = [list(ngrams(dense(text), n)) for _, text in texts]
        return [len(set(run)) for run in runs], [len(run) for run in runs]

    metrics = {"characters": mean(written)}
    if name != HUMAN:
        outputs = [sample["outputs"][name] for sample, _ in texts]
        each = [1] * len(outputs)
        metrics["natural_stop"] = share([output["stop"] == "natural" for output in outputs], each)
        metrics["foreign_stop"] = share(
            [output["foreign_stop"] is not None for output in outputs], each
        )
    for n, metric in ((4, "seq_rep_4"), (2, "distinct_2")):
        different, all_runs = grams(n)
        repeated = [whole - part for part, whole in zip(different, all_runs, strict=True)]
        metrics[metric] = share(repeated if metric == "seq_rep_4" else different, all_runs)
    metrics["longest_repeat"] = mean([longest_repeat(text) for _, text in texts])
    metrics["copied_30"] = share(
        [sum(end - start for start, end in row["copied"]) for row in found], written
    )
    metrics["longest_copy"] = mean([row["longest_copy"] for row in found])
    thousands = [count / 1000 for count in written]
    for metric in ("new_names", "invented_names"):
        if all(row[metric] is not None for row in found):
            metrics[metric] = interval_of_ratio(
                [len({found for _, found in row[metric]}) for row in found], thousands, chapters
            )
    metrics["style_delta"] = _delta(texts, chapters, style)
    return metrics


def _delta(texts: list[tuple[dict, str]], chapters: list, style: Style) -> dict:
    """Delta of all outputs as one text; it has no interval if one chapter alone has text in it."""
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
        chapters.append((sample["novel"], sample["chapter"]))
    return interval_of_share(repeated, counted, chapters)
