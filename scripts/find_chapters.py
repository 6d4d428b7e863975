"""Rule find_chapters: find the chapters of a novel's text."""

import re
from pathlib import Path

from xuxie.job import run_job
from xuxie.rows import write_json, write_rows


def find_chapters(text: str, counts: str, chapters: str, findings: str, *, pattern: str | None, scene_size: int) -> None:
    """Write one row a chapter, and what was noticed about headings, numbers and text outside of chapters."""
    content = Path(text).read_text(encoding="utf-8")
    headings = list(re.finditer(r"^第(\S{1,9}?)[回章]\s+(.{1,40})\n", content, re.MULTILINE))
    ends = [heading.start() for heading in headings[1:]] + [len(content)]
    rows = [
        {"number": number, "title": heading[2], "kind": "chapter", "start": heading.end(), "end": end}
        for number, (heading, end) in enumerate(zip(headings, ends), 1)
    ]
    write_rows(chapters, rows)
    write_json(findings, {})


if __name__ == "__main__":
    run_job(find_chapters, snakemake)  # noqa: F821
