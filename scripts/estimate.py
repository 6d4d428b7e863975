"""Rule estimate: what the LLM roles will take, printed before anything is asked."""

from pathlib import Path

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
    chunks: list[str],
    tokenizer: str | None,
    *,
    novels: list[str],
    templates: list[list[str]],
    rubrics: list[list[str]],
    generator: str,
    judges: dict[str, dict],
    pairs: dict,
    endpoints: dict,
    llm: dict,
) -> None:
    """Print a table: calls, tokens and money of each role for each novel, and in total.

    Args:
        chunks, templates, rubrics: for each of `novels`, in their order; the templates of the generator and of judges.
        generator: the generator's endpoint.
        judges: the settings of each scorer that asks an endpoint.
        pairs: the settings of the config's section that shape a question.
    """
    asking = _role(generator, endpoints)
    rows: list[tuple[str, str, str, Usage]] = []
    for novel, path, asked_with, judged_with in zip(
        novels, chunks, templates, rubrics, strict=True
    ):
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
    for unit, limit in llm["budget"].items():
        if limit is not None:
            print(
                f"llm.budget allows {limit:g} {unit} for all that the journal in {Path(llm['journal'])} will ever hold."
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
