"""What became of the pairs that were asked for."""


def ledger_bars(ledger: dict) -> dict:
    """What became of the pairs as bars: at each stage, how many there are, as a share of the stage that has most."""
    counts = {
        stage: sum(part["pairs"].get(stage, 0) for part in ledger["novels"].values())
        for stage in ("asked", "candidates", "kept")
    }
    counts = {stage: count for stage, count in counts.items() if count} | ledger["rows"]
    whole = max(counts.values(), default=0) or 1
    reasons: dict[str, dict[str, int]] = {"dropped": {}, "failed": {}}
    for part in ledger["novels"].values():
        for kind, source in (
            ("dropped", {**part["pairs"].get("dropped", {}), **part.get("rows_dropped", {})}),
            ("failed", part["pairs"].get("failed", {})),
        ):
            for reason, count in source.items():
                reasons[kind][reason] = reasons[kind].get(reason, 0) + count
    return {
        "stages": [
            {"stage": stage, "count": count, "share": count / whole}
            for stage, count in counts.items()
        ],
        "reasons": reasons,
        "leak": ledger.get("shared_shingles"),
    }
