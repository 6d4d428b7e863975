"""Rule score_by_judge: an LLM marks the candidate pairs of a shard by a rubric."""

from pathlib import Path

from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.llm import ask_all, open_endpoint
from xuxie.pairs.account import Counter
from xuxie.pairs.rubric import questions, scores
from xuxie.runtime.job import run_job


def score_by_judge(
    candidates: str,
    chunks: str,
    gguf: str | None,
    templates: list[str],
    scored: str,
    usage: str,
    *,
    scorer: str,
    shard: str,
    endpoint: dict,
    calibration: float,
    pairs: dict,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Mark each candidate once, and negatives of a share of them."""
    found = [row for row in read_rows(candidates) if "failed" not in row]
    sampling = {"seed": pairs["seed"], **pairs["sampling"]}
    asked = questions(
        found,
        list(read_rows(chunks)),
        templates,
        calibration=calibration,
        seed=pairs["seed"],
        sampling=sampling,
    )
    given = {name: llm[name] for name in ("budget", "offline", "max_failed")}
    given["journal"] = Path(llm["journal"])
    counter = Counter()
    with open_endpoint(
        endpoints[endpoint["name"]], Path(gguf) if gguf else None, threads, llm["offline"]
    ) as opened:
        outcomes = counter.watch(ask_all(opened, asked, **given, label=f"score {shard}"))
        write_rows(scored, scores(found, outcomes))
    write_json(usage, {"role": scorer, **counter.account()})


if __name__ == "__main__":
    run_job(score_by_judge, snakemake)
