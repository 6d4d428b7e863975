"""Rule score_by_judge: an LLM marks the candidate pairs of a shard by a rubric."""

from pathlib import Path

from xuxie.job import run_job
from xuxie.llm import ask_all, open_endpoint
from xuxie.pairs.judge import questions, scores
from xuxie.rows import read_rows, write_rows


def score_by_judge(
    candidates: str,
    chunks: str,
    gguf: str | None,
    scored: str,
    *,
    shard: str,
    endpoint: dict,
    calibration: float,
    pairs: dict,
    wording: str,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Mark each candidate once, and a share of them again with a swapped completion."""
    found = [row for row in read_rows(candidates) if "failed" not in row]
    texts = {row["id"]: row["text"] for row in read_rows(chunks)}
    sampling = {"seed": pairs["seed"], **pairs["sampling"]}
    asked, entries = questions(found, texts, wording, calibration=calibration, seed=pairs["seed"], sampling=sampling)
    with open_endpoint(endpoints[endpoint["name"]], Path(gguf) if gguf else None, threads) as opened:
        outcomes = ask_all(opened, asked, journal=Path(llm["journal"]), offline=llm["offline"], label=f"score {shard}")
        write_rows(scored, scores(entries, outcomes))


if __name__ == "__main__":
    run_job(score_by_judge, snakemake, endpoints=snakemake.config["endpoints"], llm=snakemake.config["llm"])  # noqa: F821
