"""What is to happen in each turn of a continuation: outlines that a user has written, or those of the true passages."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from xuxie.errors import UserError
from xuxie.prompts.told import outline_line

OF_THE_PASSAGE = "passage"
"""The value of `sampling.outlines` that takes what happens in the true continuation."""


def with_outlines(
    rows: Sequence[dict], held_out: Sequence[dict], sampling: dict, language: str
) -> list[dict]:
    """The rows, each with `outlines`: the lines that its turns are told, in order.

    Args:
        rows: those of the test split that are continued.
        held_out: all rows of the test split.
        sampling: `sampling` of the config; its `outlines` are `passage`, a file, or None.
        language: of the lines.

    Raises:
        UserError: the file is neither, or has nothing to tell of any of the rows.
    """
    outlines = sampling["outlines"]
    if outlines is None:
        return list(rows)
    if outlines == OF_THE_PASSAGE:
        return [
            {**row, "outlines": _of_what_follows(row, held_out, sampling["target_chars"])}
            for row in rows
        ]
    by_row = read_outlines(outlines, [row["id"] for row in rows])
    return [
        {**row, "outlines": [outline_line(said, language) for said in by_row[row["id"]]]}
        for row in rows
    ]


def _of_what_follows(row: dict, held_out: Sequence[dict], target_chars: int) -> list[str]:
    """What happens in a row's completion and, up to so many characters, in those of the rows that follow it without a gap."""
    place = end = row["completion_span"][0]
    found: list[str] = []
    for other in held_out:
        follows = other["novel"] == row["novel"] and other["completion_span"][0] == end
        if not follows or (found and end - place >= target_chars):
            continue
        if not other["outline"]:
            break
        found.append(other["outline"])
        end = other["completion_span"][1]
    return found


def read_outlines(file: str | Path, rows: Sequence[str]) -> dict[str, list[str]]:
    """The outlines in a file by row id: of a YAML file those of each row that it names, of any other file all of its lines for each row."""
    text = Path(file).read_text(encoding="utf-8-sig")
    if Path(file).suffix in (".yaml", ".yml"):
        given = yaml.safe_load(text)
        if not isinstance(given, dict) or not all(
            isinstance(said, str | list) for said in given.values()
        ):
            raise UserError(
                "no outlines by row are found",
                where=str(file),
                remedy="write ID: OUTLINE, or ID: and a list of outlines, with the ids of test.jsonl",
            )
        by_row = {
            row: [said] if isinstance(said := given.get(row, []), str) else list(map(str, said))
            for row in rows
        }
    else:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        by_row = dict.fromkeys(rows, lines)
    if not any(by_row.values()):
        raise UserError(
            f"it has an outline for none of the prompts {', '.join(rows)}",
            where=str(file),
            remedy="one outline a line, or in a .yaml file lists of outlines by the ids of these prompts",
        )
    return by_row
