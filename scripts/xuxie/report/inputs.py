"""The files of a run that the page is made of, read: one object per novel and one per adapter."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Novel:
    """Files of one novel: chapters.jsonl, pairs.jsonl, pairs.json and text.json."""

    chapters: list[dict]
    pairs: list[dict]
    summary: dict
    text: dict


@dataclass(frozen=True)
class Adapter:
    """Files of one adapter."""

    dataset: str
    model: str
    samples: list[dict]
    evaluation: dict
    trainer_log: list[dict]
    gates: dict
    manifest: dict
