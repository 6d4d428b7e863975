"""What both LLM roles will take for the novels of a configuration, as lines to be printed."""

from collections.abc import Iterable, Iterator

from xuxie.files.rows import read_rows
from xuxie.llm import Usage
from xuxie.llm.endpoint import read_settings
from xuxie.llm.tariff import Tariff
from xuxie.pairs.estimate import Role, about, both_ways, by_hours, of_generator, of_judge, table
from xuxie.pairs.modes import questions
from xuxie.pairs.planning import asked_and_not
from xuxie.text.tokens import count_of


def role_lines(
    novels: Iterable[tuple[str, str, list[str], list[str]]],
    tokenizer: str | None,
    pairs: dict,
    *,
    generator: str,
    judges: dict[str, dict],
    endpoints: dict,
) -> Iterator[str]:
    """The table of both roles, and what else there is to say of their prices.

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
    yield table(rows, {name for name, tariff in tariffs.items() if tariff.is_known})
    batched = {name for name, endpoint in endpoints.items() if endpoint["batch"]}
    yield from by_hours(rows, tariffs)
    yield from both_ways(rows, tariffs, batched)
    yield (
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
