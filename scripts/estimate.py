"""Rule estimate: what the LLM roles will take, and what the adapters will learn and take, printed before anything is asked."""

from pathlib import Path

from estimate_training import estimate_training
from xuxie.pairs.role_costs import role_lines
from xuxie.runtime.job import run_job


def estimate(
    texts: list[str],
    chapters: list[str],
    chunks: list[str],
    tokenizer: str | None,
    *,
    templates: list[list[str]],
    rubrics: list[list[str]],
    roles: dict | None,
    training: dict,
    endpoints: dict,
    llm: dict,
) -> None:
    """Print calls, tokens and money of each role for each novel, and in total; then what `estimate_training` prints.

    Args:
        texts, chapters, chunks: for each novel, in their order; no chunks where no LLM is asked.
        templates, rubrics: likewise, the templates of the generator and of judges.
        roles: see `Settings.roles_as_estimated`.
        training: see `Settings.training_as_estimated`.
    """
    if roles:
        novels = zip(training["novels"], chunks, templates, rubrics, strict=True)
        for line in role_lines(novels, tokenizer, training["asking"], **roles, endpoints=endpoints):
            print(line)
        for unit, limit in llm["budget"].items():
            if limit is not None:
                print(
                    f"llm.budget allows {limit:g} {unit} for all that the journal in {Path(llm['journal'])} will ever hold."
                )
    else:
        print("No LLM is asked: pairs.generator is null.")
    estimate_training(texts, chapters, chunks, tokenizer, training=training)


if __name__ == "__main__":
    run_job(estimate, snakemake)
