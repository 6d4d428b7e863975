"""What a job's log file says at the moment, in a line."""

import re
from pathlib import Path

#: Where a log's end begins: enough for its last lines, however long the log.
END = 8192
#: A line of our own; those that begin with a bracket were passed on from libraries.
OWN = re.compile(r"^\d\d:\d\d:\d\d (?:INFO|WARNING) (?!\[)(\S.*)$", re.MULTILINE)
DONE_OF_TOTAL = re.compile(r"\b(\d+) of (\d+)\b")


def last_line(path: str) -> str:
    """The last line that one of our scripts wrote into its log; empty if there is none.

    The last one that tells how far the work has come is preferred: libraries chatter behind it.
    """
    try:
        with open(path, "rb") as file:
            file.seek(max(0, Path(path).stat().st_size - END))
            lines = OWN.findall(file.read().decode("utf-8", errors="replace"))
    except OSError:
        return ""
    telling = [line for line in lines if progress(line) is not None]
    return printable((telling or lines or [""])[-1])


def progress(line: str) -> float | None:
    """The share of the work that is done, where a line says so: "31 of 60"; else None."""
    found = DONE_OF_TOTAL.search(line)
    if not found:
        return None
    done, total = map(int, found.groups())
    return done / total if 0 <= done <= total and total else None


def printable(text: str) -> str:
    """Without what would move the cursor or change colours: logs quote novels and models."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
