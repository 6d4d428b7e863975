"""Rule check_ledger: add up a ledger again from the files that it is about."""

import logging

from xuxie.dataset.audit import audit
from xuxie.dataset.files import DatasetFiles, read_novels
from xuxie.files.rows import read_json, write_json
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
    """Write every figure beside the same figure taken from the files.

    Args:
        rows, whole_texts: the dataset's files, one for each split.
        pairs, …, counts: for each novel of the dataset, in its order; no pairs where no LLM is asked.

    Raises:
        UserError: figures differ; names them.
    """
    files = read_novels(
        novels, texts, counts=counts, chapters=chapters, findings=findings, chunks=chunks, unasked=unasked, failures=failures,
        pairs=pairs,
    )  # fmt: skip
    dataset = DatasetFiles.read(rows, whole_texts, unplaced, untrained)
    sums = audit(read_json(ledger), dataset, files)
    sums.refuse_differing(ledger)
    write_json(check, {"sums": sums.entries})
    logger.info("%d sums add up", len(sums.entries))


if __name__ == "__main__":
    run_job(check_ledger, snakemake)
