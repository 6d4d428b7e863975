"""Rule paraphrase_passages: an LLM writes held-out passages again in plain words, for the exam of the metrics."""

from xuxie.evaluation.paraphrases import paraphrases, questions
from xuxie.files.rows import read_rows, write_rows
from xuxie.llm import open_role
from xuxie.runtime.job import run_job


def paraphrase_passages(
    passages: str,
    template: str,
    weights: list[str],
    paraphrased: str,
    *,
    dataset: str,
    endpoint: dict,
    seed: int,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Ask about each passage once; write its paraphrase, or why there is none.

    Args:
        passages: what `examine_metrics` wrote.
        template: the file with the question.
        weights: the files of the model, where it is served here.
        endpoint: name of the endpoint, and its model.
        endpoints, llm: these sections of the config.
    """
    rows = list(read_rows(passages))
    asked = questions(rows, template, seed=seed)
    # A passage without a paraphrase is left out of the exam: however many there are, the run goes on.
    lenient = {**llm, "max_failed": 1}
    with open_role(endpoint, weights, endpoints=endpoints, llm=lenient, threads=threads) as ask:
        write_rows(
            paraphrased, paraphrases(rows, ask(asked, label=f"paraphrase passages of {dataset}"))
        )


if __name__ == "__main__":
    run_job(paraphrase_passages, snakemake)
