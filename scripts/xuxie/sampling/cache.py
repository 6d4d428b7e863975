"""Samples that an earlier run has made already, under everything that shaped them."""

import hashlib
import json

from xuxie.llm.journal import Journal, entry_of


def answer_key(*shaped_by) -> str:
    """Content address of an answer: 128 bits in hex."""
    return hashlib.sha256(json.dumps(shaped_by, ensure_ascii=False).encode()).hexdigest()[:32]


def recall(journal: Journal, key: str) -> dict | None:
    """The answer under a key, or None."""
    entry = journal.get(key)
    return entry and entry["continuation"]


def keep(journal: Journal, key: str, identity: str, answer: dict) -> None:
    """Put an answer on the disk before anybody uses it."""
    journal.append([entry_of(key, identity, continuation=answer)])
