"""Rows of JSON on disk: one object per line, UTF-8, written whole or not at all."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonlines

from xuxie.errors import UserError


def read_rows(path: str | Path) -> Iterator[dict]:
    """Yield the objects of a JSONL file in order.

    Raises:
        UserError: a line is not a JSON object; names the file and the line.
    """
    with jsonlines.open(path) as reader:
        try:
            yield from reader.iter(type=dict)
        except jsonlines.InvalidLineError as error:
            raise UserError(
                "a line is not a JSON object",
                where=f"{path}, line {error.lineno}",
                remedy="delete the file and run again: the workflow makes it anew",
            ) from error


def write_rows(path: str | Path, rows: Iterable[dict]) -> int:
    """Write objects as JSONL in the order given; return how many there were."""
    partial = Path(f"{path}.partial")
    count = 0
    with jsonlines.open(partial, "w", dumps=_dumps) as writer:
        for row in rows:
            writer.write(row)
            count += 1
    os.replace(partial, path)
    return count


def read_json(path: str | Path) -> dict:
    """Read one JSON document."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, document: dict) -> None:
    """Write one JSON document, indented, keys in the order given."""
    partial = Path(f"{path}.partial")
    partial.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def _dumps(row: dict) -> str:
    return json.dumps(row, ensure_ascii=False)
