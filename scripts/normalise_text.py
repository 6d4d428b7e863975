"""Rule normalise_text: turn a novel's files into one clean text."""

import logging

from xuxie.files.novel_text import write_text
from xuxie.files.rows import write_json
from xuxie.runtime.job import run_job
from xuxie.text.normalise import normalise
from xuxie.text.source_map import write_source_map
from xuxie.text.sources import read_sources
from xuxie.text.watermarks import read_patterns

logger = logging.getLogger(__name__)


def normalise_text(
    files: list[str],
    watermarks: str,
    text: str,
    counts: str,
    source_map: str,
    *,
    encoding: str,
    on_bad_bytes: str,
    language: str,
    more_watermarks: list[str],
    steps: dict[str, bool],
) -> None:
    """Write the text, what every step did to it, and where each part of it comes from."""
    patterns = read_patterns(watermarks, more_watermarks)
    sources = read_sources([files] if isinstance(files, str) else list(files))
    result = normalise(
        sources,
        encoding=encoding,
        on_bad_bytes=on_bad_bytes,
        language=language,
        steps=steps,
        patterns=patterns,
    )
    account = result.counts()
    totals = account["characters"]
    if totals["decoded"] + totals["added"] - totals["removed"] != totals["kept"]:
        raise AssertionError(f"the characters do not add up: {totals}")
    write_text(text, result.aligned.text)
    write_source_map(source_map, result.aligned, result.decoded)
    write_json(counts, account)
    for step, tally in result.tallies.items():
        logger.info(
            "%s: %d places; %d characters changed, %d removed, %d added",
            step,
            tally.places,
            tally.changed,
            tally.removed,
            tally.added,
        )
    logger.info("%d characters decoded, %d kept", totals["decoded"], totals["kept"])


if __name__ == "__main__":
    run_job(normalise_text, snakemake)
