"""How the loss depends on how much of the novel stands before a passage."""

from xuxie.report.figures import figure, interval
from xuxie.sampling.authors import BASE, TUNED


def context_ladder(evaluation: dict, captions: dict) -> dict:
    """The ladder of contexts, and what the true one saves over one from another chapter."""
    words, bits = captions["context"], evaluation["bits_per_character"]
    *rungs, whole = bits["ladder"]
    rows = [(f"{rung['context']:,}", rung) for rung in rungs] + [(words["whole"], whole)]
    if gain := bits["context_gain"]:
        rows.append((words["gain"].format(rows=gain["rows"]), gain))
    return {
        "help": words["help"].format(rows=whole["rows"]),
        "rows": [
            {
                "name": name,
                "cells": [
                    {
                        "value": figure(measured[side]["value"], signed=side == "difference"),
                        "interval": interval(measured[side]),
                    }
                    for side in (BASE, TUNED, "difference")
                ],
            }
            for name, measured in rows
        ],
    }
