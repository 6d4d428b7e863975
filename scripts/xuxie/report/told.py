"""What it is worth to tell the model of the story, and whether an LLM's sentences about passages fit them."""

from xuxie.report.figures import figure, interval
from xuxie.sampling.authors import BASE, TUNED


def told_table(evaluation: dict, captions: dict) -> list[dict]:
    """For each thing that rows are told a row for each version: bits per character of base and tuned, and what it changes for each."""
    words = captions["told"]
    return [
        {
            "name": words[what][version],
            "cells": [_cell(found[side], version) for side in (BASE, TUNED)],
        }
        for what, found in evaluation.get("told", {}).items()
        if found
        for version in found[TUNED]["versions"]
    ]


def sketch_sentences(ledger: dict, captions: dict) -> list[dict]:
    """Of each kind of sentence that an LLM was asked for how many there are, how well they fit, and whether rows are told them."""
    words = captions["told"]
    return [
        {
            "told": found["told"],
            "text": words["fits" if found["told"] else "off"].format(
                kind=words["kinds"][kind],
                asked=found["asked"],
                failed=sum(found["failed"].values()),
                checked=found["checked"],
                auc=figure(found["auc"]),
                bound=figure(found["bound"]),
            ),
        }
        for kind, found in ledger.get("sketches", {}).items()
    ]


def _cell(side: dict, version: str) -> dict:
    measured, less = side["versions"][version], side["less"].get(version)
    return {
        "value": figure(measured["value"]),
        "interval": interval(measured),
        "change": less and figure(less["value"], signed=True),
        "change_interval": less and interval(less),
    }
