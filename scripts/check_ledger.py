"""Rule check_ledger: add up a ledger again from the files that it speaks of."""

import logging
from pathlib import Path

from xuxie.dataset.audit import NovelFiles, audit
from xuxie.errors import UserError
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def check_ledger(
    ledger: str,
    rows: list[str],
    unplaced: str,
    pairs: list[str],
    failures: list[str],
    unasked: list[str],
    chunks: list[str],
    chapters: list[str],
    findings: list[str],
    texts: list[str],
    counts: list[str],
    check: str,
    *,
    novels: list[str],
) -> None:
    """Write every figure with its double from the files.

    Args:
        rows: the dataset's files, one a split.
        pairs, …, counts: for each novel of the dataset, in its order.

    Raises:
        UserError: figures differ; names them.
    """
    files = {
        novel: NovelFiles(
            text=read_text(texts[index]),
            counts=read_json(counts[index]),
            chapters=list(read_rows(chapters[index])),
            findings=read_json(findings[index]),
            chunks=list(read_rows(chunks[index])),
            unasked=list(read_rows(unasked[index])),
            failures=list(read_rows(failures[index])),
            pairs=list(read_rows(pairs[index])),
        )
        for index, novel in enumerate(novels)
    }
    by_split = {Path(path).stem: list(read_rows(path)) for path in rows}
    sums = audit(read_json(ledger), by_split, list(read_rows(unplaced)), files)
    if sums.differing:
        named = "; ".join(
            f"{entry['what']}: {entry['ledger']} in the ledger, {entry['files']} in the files"
            for entry in sums.differing
        )
        raise UserError(
            f"{len(sums.differing)} of {len(sums.entries)} sums differ: {named}",
            where=ledger,
            remedy="a file was changed by hand or is left from another run: delete the dataset's folder and run again",
        )
    write_json(check, {"sums": sums.entries})
    logger.info("%d sums add up", len(sums.entries))


if __name__ == "__main__":
    run_job(check_ledger, snakemake)
