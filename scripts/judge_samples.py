"""Rule judge_samples: an LLM says which of two continuations is better."""

from xuxie.evaluation.preference import comparisons, questions, verdicts
from xuxie.files.rows import read_rows, write_rows
from xuxie.llm import open_role
from xuxie.runtime.job import run_job


def judge_samples(
    samples: str,
    template: str,
    weights: list[str],
    judged: str,
    *,
    endpoint: dict,
    prompts: int,
    seed: int,
    target_chars: int,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Compare the systems' outputs, with each other and with the author's text, in both orders.

    Args:
        template: the file with the question to the judge.
        endpoint: name of the judge's endpoint, and its model.
        target_chars: `sampling.target_chars` of the config.
    """
    asked = comparisons(
        list(read_rows(samples)), prompts=prompts, seed=seed, target_chars=target_chars
    )
    with open_role(endpoint, weights, endpoints=endpoints, llm=llm, threads=threads) as ask:
        outcomes = ask(questions(asked, template, seed=seed), label="judge samples")
        write_rows(judged, verdicts(asked, outcomes))


if __name__ == "__main__":
    run_job(judge_samples, snakemake)
