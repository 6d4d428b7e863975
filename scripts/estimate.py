"""Rule estimate: what the LLM roles will take, and what the adapters will learn and take, printed before anything is asked."""

from collections.abc import Iterable
from pathlib import Path

from estimate_training import estimate_training
from xuxie.files.rows import read_rows
from xuxie.llm import Usage
from xuxie.llm.endpoint import read_settings
from xuxie.llm.tariff import Tariff
from xuxie.pairs.estimate import Role, about, both_ways, by_hours, of_generator, of_judge, table
from xuxie.pairs.modes import questions
from xuxie.pairs.planning import asked_and_not
from xuxie.runtime.job import run_job
from xuxie.text.tokens import count_of


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
        _estimate_roles(novels, tokenizer, training["asking"], **roles, endpoints=endpoints)
        for unit, limit in llm["budget"].items():
            if limit is not None:
                print(
                    f"llm.budget allows {limit:g} {unit} for all that the journal in {Path(llm['journal'])} will ever hold."
                )
    else:
        print("No LLM is asked: pairs.generator is null.")
    estimate_training(texts, chapters, chunks, tokenizer, training=training)


def _estimate_roles(
    novels: Iterable[tuple[str, str, list[str], list[str]]],
    tokenizer: str | None,
    pairs: dict,
    *,
    generator: str,
    judges: dict[str, dict],
    endpoints: dict,
) -> None:
    """Print the table of both roles.

    Args:
        novels: name, file of chunks, and both roles' templates of each.
        pairs: the settings of the config's section that shape a question.
        generator: the generator's endpoint.
        judges: the settings of each scorer that asks an endpoint.
    """
    asking = _role(generator, endpoints)
    rows: list[tuple[str, str, str, Usage]] = []
    for novel, path, asked_with, judged_with in novels:
        plans, _ = asked_and_not(list(read_rows(path)), pairs, tokenizer)
        bounded = bool(endpoints[generator]["embedded"])
        asked = questions(plans, asked_with, pairs["mode"], bounded=bounded, sampling={})
        usage = of_generator(asked, plans, asking, mode=pairs["mode"])
        rows.append((novel, "generator", generator, usage))
        for name, judge in judges.items():
            usage = of_judge(
                plans,
                judged_with,
                _role(judge["endpoint"], endpoints),
                mode=pairs["mode"],
                calibration=judge["calibration"],
            )
            rows.append((novel, name, judge["endpoint"], usage))
    tariffs = {name: _tariff(endpoint) for name, endpoint in endpoints.items()}
    print(table(rows, {name for name, tariff in tariffs.items() if tariff.is_known}))
    batched = {name for name, endpoint in endpoints.items() if endpoint["batch"]}
    for line in (*by_hours(rows, tariffs), *both_ways(rows, tariffs, batched)):
        print(line)
    print(
        "Estimated, give or take a quarter, without what a model thinks before it answers; cached at best. "
        "Answers that the journal holds already cost nothing."
    )


def _role(endpoint: str, endpoints: dict) -> Role:
    settings = endpoints[endpoint]
    in_words = not settings["embedded"] and settings["structured"] != "schema"
    count = count_of(settings["tokenizer"]) if settings["tokenizer"] else about
    return Role(endpoint, _tariff(settings).price, in_words, count, bool(settings["embedded"]))


def _tariff(endpoint: dict) -> Tariff:
    return Tariff.of(read_settings(endpoint).price)


if __name__ == "__main__":
    run_job(estimate, snakemake)
