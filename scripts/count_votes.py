"""Rule count_votes: what the readers of the blind page chose."""

import logging

from xuxie.blind.votes import count_votes as count
from xuxie.blind.votes import preferences_of, read_votes
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def count_votes(
    key: str,
    votes: list[str],
    judged: list[str],
    evaluations: list[str],
    counted: str,
    *,
    adapters: list[str],
) -> None:
    """Add up the files under `votes/`.

    Args:
        key: who wrote what on the page.
        votes: files that the page saved, of any number of readers.
        judged: judged.jsonl of each of `adapters`; none without a judge.
        evaluations: evaluation.json of each of `adapters`: whether the judge may be believed.
    """
    preferences = {}
    for name, path, evaluation in zip(adapters, judged, evaluations, strict=False):
        if (read_json(evaluation)["judge"] or {}).get("trusted"):
            preferences |= preferences_of(name, read_rows(path))
    result = count(read_votes(votes), read_json(key), preferences)
    write_json(counted, result)
    logger.info("%(answers)d answers of %(readers)d readers", result)


if __name__ == "__main__":
    run_job(count_votes, snakemake)
