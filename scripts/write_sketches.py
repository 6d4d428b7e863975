"""Rule write_sketches: LLM 1 says in a sentence what happens in each passage."""

from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.llm import open_role
from xuxie.pairs.account import Counter
from xuxie.pairs.sketches import questions
from xuxie.pairs.sketches import sketches as sentences_of
from xuxie.runtime.job import run_job


def write_sketches(
    passages: str,
    weights: list[str],
    templates: list[str],
    sketches: str,
    usage: str,
    *,
    dataset: str,
    endpoint: dict,
    language: str,
    pairs: dict,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Ask about each passage once; write its sentence, or what failed.

    Args:
        weights: the files of the model, where it is served here.
        templates: the files of the prompt templates.
        dataset: its name.
        endpoint: name of the generator's endpoint, and the model that answers there.
        language: that is asked in.
        pairs: the settings of the config's section that shape a question.
        endpoints, llm: these sections of the config.
    """
    rows = list(read_rows(passages))
    sampling = {"seed": pairs["seed"], **pairs["sampling"]}
    asked = questions(rows, templates, language=language, sampling=sampling)
    # A passage without a sentence is a row that is told none: however many there are, the run goes on.
    lenient = {**llm, "max_failed": 1}
    counter = Counter()
    with open_role(endpoint, weights, endpoints=endpoints, llm=lenient, threads=threads) as ask:
        outcomes = counter.watch(ask(asked, label=f"sketch {dataset}"))
        write_rows(sketches, sentences_of(rows, outcomes))
    write_json(usage, {"role": "sketches", **counter.account()})


if __name__ == "__main__":
    run_job(write_sketches, snakemake)
