"""Which candidate pairs are kept, and why each of the others is not."""

from collections import Counter, defaultdict

from xuxie.overlap.duplicates import Duplicates
from xuxie.overlap.spans import Span, covered
from xuxie.pairs.ranking import best_first


def select(
    pairs: list[dict], *, threshold: float, near_duplicate: float, max_overlap: float
) -> list[dict]:
    """Mark each scored pair as kept or dropped, best score first, in the order given.

    Args:
        pairs: candidate pairs of one novel with `score` (0–10, None if the scorer failed).
        threshold: the lowest score that is kept.
        near_duplicate: the Jaccard index from which on a completion repeats one that is kept already.
        max_overlap: the largest share of a completion that may be in completions kept already.

    Returns:
        The same rows with `kept` and `dropped_because` (None for a kept pair).
    """
    verdict: dict[str, str | None] = {}
    seen = Duplicates(near_duplicate)
    # Pairs lie within their chunks, so only those of one chunk can overlap.
    kept_spans: dict[str, list[Span]] = defaultdict(list)
    for pair in best_first(pairs):
        reason = _reason(pair, threshold, max_overlap, kept_spans[pair["chunk"]])
        if reason is None and (kind := seen.kind_of(pair["completion"])):
            reason = f"{kind} completion"
        if reason is None:
            seen.add(pair["completion"])
            if _is_the_novels(pair):
                kept_spans[pair["chunk"]].append(tuple(pair["completion_span"]))
        verdict[pair["id"]] = reason
    return [
        {**pair, "kept": verdict[pair["id"]] is None, "dropped_because": verdict[pair["id"]]}
        for pair in pairs
    ]


def _reason(pair: dict, threshold: float, max_overlap: float, kept_spans: list[Span]) -> str | None:
    if pair["score"] is None:
        return "not scored"
    if pair["score"] < threshold:
        return "score below threshold"
    if not _is_the_novels(pair):
        return None
    start, end = pair["completion_span"]
    return (
        "overlaps a better pair"
        if covered(start, end, kept_spans) > max_overlap * (end - start)
        else None
    )


def _is_the_novels(pair: dict) -> bool:
    """Whether the completion is what stands at its span. The span of one that an LLM has written is all that it was written from, as
    others may be too, so that these neither overlap nor are overlapped."""
    start, end = pair["completion_span"]
    return len(pair["completion"]) == end - start


def dropped_counts(pairs: list[dict]) -> dict[str, int]:
    """How many pairs were dropped, by reason."""
    return dict(Counter(pair["dropped_because"] for pair in pairs if not pair["kept"]))
