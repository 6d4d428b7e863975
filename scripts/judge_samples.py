"""Rule judge_samples: an LLM says which of two continuations is better."""

from pathlib import Path

from xuxie.evaluation.preference import comparisons, questions, verdicts
from xuxie.files.rows import read_rows, write_rows
from xuxie.llm import ask_all, open_endpoint
from xuxie.runtime.job import run_job


def judge_samples(
    samples: str,
    template: str,
    gguf: str | None,
    judged: str,
    *,
    endpoint: dict,
    prompts: int,
    seed: int,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Compare the systems' outputs, with each other and with the author's text, in both orders.

    Args:
        template: the file with the question to the judge.
        endpoint: name of the judge's endpoint, and its model.
    """
    asked = comparisons(list(read_rows(samples)), prompts=prompts, seed=seed)
    given = {name: llm[name] for name in ("budget", "offline", "max_failed")}
    given["journal"] = Path(llm["journal"])
    with open_endpoint(
        endpoints[endpoint["name"]], Path(gguf) if gguf else None, threads, llm["offline"]
    ) as opened:
        outcomes = ask_all(
            opened, questions(asked, template, seed=seed), **given, label="judge samples"
        )
        write_rows(judged, verdicts(asked, outcomes))


if __name__ == "__main__":
    run_job(judge_samples, snakemake)
