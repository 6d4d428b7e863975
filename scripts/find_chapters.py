"""Rule find_chapters: find the chapters of a novel's text."""

import logging
from dataclasses import asdict

from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, write_json, write_rows
from xuxie.runtime.job import run_job
from xuxie.text import chapters as finder

logger = logging.getLogger(__name__)


def find_chapters(
    text: str, counts: str, chapters: str, findings: str, *, pattern: str | None, scene_size: int
) -> None:
    """Write one row for each chapter, and what was noticed about headings, numbers and text outside of chapters."""
    content = read_text(text)
    files = [(source["begins_at"], source["name"]) for source in read_json(counts)["sources"]]
    found, noticed = finder.find_chapters(
        content, pattern=pattern, scene_size=scene_size, files=files
    )
    account = noticed.characters
    if account["text"] != sum(account.values()) - account["text"]:
        raise AssertionError(f"the characters do not add up: {account}")
    write_rows(chapters, map(asdict, found))
    write_json(findings, asdict(noticed))
    logger.info("%d headings, %d chapters: %s", noticed.headings, len(found), noticed.kinds)
    if noticed.note:
        logger.warning(noticed.note)
    for what in ("gaps", "repeated_numbers", "out_of_order", "dropped", "empty"):
        for item in getattr(noticed, what):
            logger.warning("%s: %s", what.replace("_", " "), item)


if __name__ == "__main__":
    run_job(find_chapters, snakemake)
