"""What the page says of whose adapter foresees whose passages."""

from xuxie.report.figures import figure, interval


def attribution_table(model: str, found: dict, captions: dict) -> dict:
    """Rows of novels' passages, columns of adapters: how often each finds them the cheapest, and how many bits more it needs."""
    words = captions["attribution"]
    rows = found["rows"]
    return {
        "model": model,
        "adapters": list(rows[0]["cheapest"]),
        "rows": [
            {
                "name": words["row"].format(adapter=row["adapter"], passages=row["passages"]),
                "cells": [
                    {
                        "own": name == row["adapter"],
                        "value": figure(share["value"], "percent"),
                        "interval": interval(share, "percent"),
                        "more": ""
                        if name == row["adapter"]
                        else words["more"].format(
                            bits=figure(row["more"][name]["value"], signed=True),
                            interval=interval(row["more"][name]) or "—",
                        ),
                    }
                    for name, share in row["cheapest"].items()
                ],
            }
            for row in rows
        ],
    }
