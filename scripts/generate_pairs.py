"""Rule generate_pairs: the generator role proposes pairs for a shard of a novel's chunks."""

from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.llm import open_role
from xuxie.pairs.account import Counter
from xuxie.pairs.modes import candidates, questions
from xuxie.pairs.planning import asked_chunks, plan_chunks, with_slots
from xuxie.pairs.shards import shard_of
from xuxie.runtime.job import run_job


def generate_pairs(
    chunks: str,
    weights: list[str],
    tokenizer: str | None,
    text: str | None,
    templates: list[str],
    candidates_file: str,
    usage: str,
    *,
    shard: str,
    endpoint: dict,
    pairs: dict,
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Ask about each chunk of the shard once; write candidate pairs, and failures, in chunk order.

    Args:
        weights: the files of the model, where it is served here.
        tokenizer: the config of the model that bounds in tokens are counted with.
        text: the whole novel, where the LLM writes.
        templates: the files of the mode's prompt templates.
        endpoint: name of the generator's endpoint, and the model that answers there.
        pairs: the settings of the config's section that shape a question.
        endpoints, llm: these sections of the config.
    """
    taken = asked_chunks(
        list(read_rows(chunks)), per_chapter=pairs["chunks_per_chapter"], seed=pairs["seed"]
    )
    plans = with_slots(plan_chunks(shard_of(taken, shard), pairs, tokenizer))
    asked = questions(
        plans,
        templates,
        pairs["mode"],
        bounded=bool(endpoints[endpoint["name"]]["embedded"]),
        sampling={"seed": pairs["seed"], **pairs["sampling"]},
    )
    counter = Counter()
    with open_role(endpoint, weights, endpoints=endpoints, llm=llm, threads=threads) as ask:
        outcomes = counter.watch(ask(asked, label=f"generate {shard}"))
        write_rows(candidates_file, candidates(plans, outcomes, text))
    write_json(usage, {"role": "generator", **counter.account()})


if __name__ == "__main__":
    run_job(generate_pairs, snakemake)
