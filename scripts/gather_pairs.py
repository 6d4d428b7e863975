"""Rule gather_pairs: all shards' scored candidates of a novel, each kept or dropped with its reason."""

from xuxie.files.rows import read_json, read_rows, write_json, write_rows
from xuxie.pairs.gathering import check_answered, scored_pairs
from xuxie.pairs.planning import asked_and_not
from xuxie.pairs.summary import log_summary, summarise
from xuxie.pairs.verdicts import read_verdicts
from xuxie.pairs.writing import verbatim_summary
from xuxie.runtime.job import run_job


def gather_pairs(
    candidates: list[str],
    scored: list[str],
    usages: list[str],
    chunks: str,
    tokenizer: str | None,
    pairs: str,
    failures: str,
    unasked: str,
    summary: str,
    *,
    asking: dict,
    scorers: dict[str, dict],
    threshold: float,
    near_duplicate: float,
    max_overlap: float,
) -> None:
    """Join what was generated with what was scored; the first scorer decides, the others are reported.

    Args:
        candidates: one file for each shard.
        scored: see `read_verdicts`.
        usages: what the answers took: one file for each shard and each role that asks an endpoint.
        chunks, tokenizer, asking: what the questions were planned from; planned again here, so that no answer can go missing.
        pairs, failures, unasked: what became of every chunk: its pairs, the answers that failed, or why it was not asked about.
        scorers: the settings of each scorer, by name.
    """
    rows = [row for path in candidates for row in read_rows(path)]
    failed = [row for row in rows if "failed" in row]
    found = [row for row in rows if "failed" not in row]
    verdicts = read_verdicts(scored, scorers)
    plans, not_asked = asked_and_not(list(read_rows(chunks)), asking, tokenizer)
    check_answered(plans, found, failed)
    selected = scored_pairs(
        found,
        verdicts,
        threshold=threshold,
        near_duplicate=near_duplicate,
        max_overlap=max_overlap,
    )
    write_rows(pairs, selected)
    write_rows(failures, failed)
    write_rows(unasked, not_asked)
    report = summarise(
        plans,
        not_asked,
        selected,
        failed,
        verdicts,
        [read_json(path) for path in usages],
        lengths=asking["lengths"],
        threshold=threshold,
    )
    if asking["mode"] == "write":
        report["verbatim"] = verbatim_summary(found)
    write_json(summary, report)
    log_summary(report)


if __name__ == "__main__":
    run_job(gather_pairs, snakemake)
