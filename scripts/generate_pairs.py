"""Rule generate_pairs: the generator role proposes pairs for a shard of a novel's chunks."""

import logging
from pathlib import Path

from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.llm import ask_all, open_endpoint
from xuxie.pairs.account import Counter
from xuxie.pairs.modes import candidates, questions
from xuxie.pairs.planning import asked_chunks, plan_chunks
from xuxie.pairs.shards import shard_of
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def generate_pairs(
    chunks: str,
    gguf: str | None,
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
        gguf: the weights of an embedded endpoint.
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
    plans = list(plan_chunks(shard_of(taken, shard), pairs, tokenizer))
    fitting = [plan for plan in plans if plan.slots]
    if len(fitting) < len(plans):
        logger.warning(
            "%d of %d chunks hold a pair of no length class and are not asked about",
            len(plans) - len(fitting),
            len(plans),
        )
    settings = endpoints[endpoint["name"]]
    sampling = {"seed": pairs["seed"], **pairs["sampling"]}
    asked = questions(
        fitting, templates, pairs["mode"], bounded=bool(settings["embedded"]), sampling=sampling
    )
    given = {name: llm[name] for name in ("budget", "offline", "max_failed")}
    given["journal"] = Path(llm["journal"])
    counter = Counter()
    with open_endpoint(settings, Path(gguf) if gguf else None, threads, llm["offline"]) as opened:
        outcomes = counter.watch(ask_all(opened, asked, **given, label=f"generate {shard}"))
        write_rows(candidates_file, candidates(fitting, outcomes, text))
    write_json(usage, {"role": "generator", **counter.account()})


if __name__ == "__main__":
    run_job(generate_pairs, snakemake)
