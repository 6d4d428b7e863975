"""Rule check_ledger: add up a ledger again from the files that it speaks of."""

import logging
from pathlib import Path

from xuxie.dataset.audit import DatasetFiles, audit
from xuxie.dataset.files import read_novels
from xuxie.errors import UserError
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def check_ledger(
    ledger: str,
    rows: list[str],
    whole_texts: list[str],
    unplaced: str,
    untrained: str,
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
        rows, whole_texts: the dataset's files, one a split.
        pairs, …, counts: for each novel of the dataset, in its order; no pairs where no LLM is asked.

    Raises:
        UserError: figures differ; names them.
    """
    files = read_novels(
        novels, texts, counts=counts, chapters=chapters, findings=findings, chunks=chunks, unasked=unasked, failures=failures,
        pairs=pairs,
    )  # fmt: skip
    by_split = {Path(path).stem: list(read_rows(path)) for path in rows}
    dataset = DatasetFiles(
        rows=by_split,
        texts={Path(path).stem: list(read_rows(path)) for path in whole_texts},
        unplaced=list(read_rows(unplaced)),
        untrained=list(read_rows(untrained)),
    )
    sums = audit(read_json(ledger), dataset, files)
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
