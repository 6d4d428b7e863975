"""Rule score_by_judge: an LLM marks the candidate pairs of a shard by a rubric."""

from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.llm import open_role
from xuxie.pairs.account import Counter
from xuxie.pairs.rubric import questions, scores
from xuxie.runtime.job import run_job


def score_by_judge(
    candidates: str,
    chunks: str,
    weights: list[str],
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
    """Mark each candidate once, and negatives of a share of them.

    Args:
        chunks: of the whole novel; negatives are made of them.
        weights: the files of the model, where it is served here.
        templates: the files of the judge's prompt templates.
        scorer: its name.
        endpoint: name of its endpoint, and the model that answers there.
        calibration: the share of candidates of which a negative is marked too.
        pairs: the settings of the config's section that shape a question.
        endpoints, llm: these sections of the config.
    """
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
    counter = Counter()
    with open_role(endpoint, weights, endpoints=endpoints, llm=llm, threads=threads) as ask:
        outcomes = counter.watch(ask(asked, label=f"score {shard}"))
        write_rows(scored, scores(found, outcomes))
    write_json(usage, {"role": scorer, **counter.account()})


if __name__ == "__main__":
    run_job(score_by_judge, snakemake)
