"""What it is worth to tell a model of the story: held-out passages after the same text, with and without the line that rows are told.

Every continuation is read after its row's own prompt, asked in the template as the samples are; the line stands where
rows have it, between instruction and passage. Base and tuned read the same.
"""

from collections.abc import Sequence

from xuxie.evaluation.contexts import Reading
from xuxie.evaluation.intervals import interval_of_ratio, verdict
from xuxie.files.novel_text import chapter_of

WITHOUT, WITH, FOREIGN = "without", "with", "foreign"


def state_readings(rows: Sequence[dict]) -> dict[str, list[Reading]]:
    """The rows that are told what went before, once so and once not; none if no row is."""
    told = [row for row in rows if row["state"]]
    return {
        WITHOUT: [_reading(row) for row in told],
        WITH: [_reading(row, row["state"]) for row in told],
    }


def outline_readings(rows: Sequence[dict]) -> dict[str, list[Reading]]:
    """The rows that have an outline: without it, with it, and with that of a row of another chapter, if there is one."""
    told = [row for row in rows if row["outline"]]
    readings = {
        WITHOUT: [_reading(row) for row in told],
        WITH: [_reading(row, row["outline"]) for row in told],
    }
    others = [_foreign(place, told) for place in range(len(told))]
    if told and None not in others:
        readings[FOREIGN] = [
            _reading(row, str(other)) for row, other in zip(told, others, strict=True)
        ]
    return readings


def _foreign(place: int, rows: Sequence[dict]) -> str | None:
    """The outline of the row in another chapter that comes next after half of all rows."""
    begin = place + len(rows) // 2
    around = (rows[(begin + step) % len(rows)] for step in range(len(rows)))
    own = chapter_of(rows[place])
    return next((row["outline"] for row in around if chapter_of(row) != own), None)


def compare_told(
    readings: dict[str, list[Reading]], sides: dict[str, dict[str, list[float]]]
) -> dict | None:
    """Bits per character of each version, and how much each differs from the one that is told nothing; None if nothing was read.

    Args:
        readings: by version; of the same continuations in the same order.
        sides: by side (base, tuned) and version the bits of each continuation.

    Returns:
        rows, characters, and for each side by version its interval, `less` (a version minus `WITHOUT`: below zero, the version helps),
        and `verdict` of each of these.
    """
    items = readings[WITHOUT]
    if not items:
        return None
    chapters = [item.chapter for item in items]
    characters = [len(item.completion) for item in items]
    found: dict = {"rows": len(items), "characters": sum(characters)}
    for side, bits in sides.items():
        less = {
            version: interval_of_ratio(
                [one - other for one, other in zip(values, bits[WITHOUT], strict=True)],
                characters,
                chapters,
            )
            for version, values in bits.items()
            if version != WITHOUT
        }
        found[side] = {
            "versions": {
                version: interval_of_ratio(values, characters, chapters)
                for version, values in bits.items()
            },
            "less": less,
            "verdict": {version: verdict(interval) for version, interval in less.items()},
        }
    return found


def _reading(row: dict, line: str = "") -> Reading:
    context = f"{line}\n{row['input']}" if line else row["input"]
    return Reading(chapter_of(row), context, row["output"])
