"""Which candidate pairs are kept, and why each of the others is not."""

from collections import Counter


def select(pairs: list[dict], *, threshold: float, max_overlap: float) -> list[dict]:
    """Mark each scored pair as kept or dropped, best score first, in the order given.

    Args:
        pairs: candidate pairs of one novel with `score` (0–10, None if the scorer failed).
        threshold: the lowest score that is kept.
        max_overlap: the largest share of a completion that may be in completions kept already.

    Returns:
        The same rows with `kept` and `dropped_because` (None for a kept pair).
    """
    verdict: dict[str, str | None] = {}
    kept_spans: list[tuple[int, int]] = []
    seen: set[str] = set()
    for pair in sorted(pairs, key=lambda pair: (-(pair["score"] or 0), pair["id"])):
        verdict[pair["id"]] = reason = _reason(pair, threshold, max_overlap, seen, kept_spans)
        if reason is None:
            seen.add(pair["completion"])
            kept_spans.append(tuple(pair["completion_span"]))
    return [{**pair, "kept": verdict[pair["id"]] is None, "dropped_because": verdict[pair["id"]]} for pair in pairs]


def _reason(pair: dict, threshold: float, max_overlap: float, seen: set[str], kept_spans: list[tuple[int, int]]) -> str | None:
    if pair["score"] is None:
        return "not scored"
    if pair["score"] < threshold:
        return "score below threshold"
    if pair["completion"] in seen:
        return "duplicate completion"
    start, end = pair["completion_span"]
    shared = sum(max(0, min(end, other_end) - max(start, other_start)) for other_start, other_end in kept_spans)
    return "overlaps a better pair" if shared > max_overlap * (end - start) else None


def dropped_counts(pairs: list[dict]) -> dict[str, int]:
    """How many pairs were dropped, by reason."""
    return dict(Counter(pair["dropped_because"] for pair in pairs if not pair["kept"]))
