"""Rule estimate: what the LLM roles will take, printed before anything is asked."""

from pathlib import Path

from xuxie.files.rows import read_rows
from xuxie.llm import Usage
from xuxie.llm.usage import Price
from xuxie.pairs.estimate import Role, of_generator, of_judge
from xuxie.pairs.modes import questions
from xuxie.pairs.planning import asked_chunks, plan_chunks
from xuxie.runtime.job import run_job

HEADINGS = ("novel", "role", "endpoint", "calls", "input", "cached", "output", "money")


def estimate(
    chunks: list[str],
    tokenizer: str | None,
    *,
    novels: list[str],
    wordings: list[str],
    generator: str,
    judges: dict[str, dict],
    pairs: dict,
    endpoints: dict,
    llm: dict,
) -> None:
    """Print a table: calls, tokens and money of each role for each novel, and in total.

    Args:
        chunks, wordings: for each of `novels`, in their order.
        generator: the generator's endpoint.
        judges: the settings of each scorer that asks an endpoint.
        pairs: the settings of the config's section that shape a question.
    """
    asking = _role(generator, endpoints)
    rows: list[tuple[str, str, str, Usage]] = []
    for novel, path, wording in zip(novels, chunks, wordings, strict=True):
        taken = asked_chunks(
            list(read_rows(path)), per_chapter=pairs["chunks_per_chapter"], seed=pairs["seed"]
        )
        planned = plan_chunks(
            taken,
            pairs["lengths"],
            per_chunk=pairs["per_chunk"],
            seed=pairs["seed"],
            tokenizer=tokenizer,
        )
        plans = [plan for plan in planned if plan.slots]
        asked = questions(
            plans,
            wording,
            pairs["mode"],
            bounded=bool(endpoints[generator]["embedded"]),
            sampling={},
        )
        rows.append(
            (novel, "generator", generator, of_generator(asked, plans, asking, mode=pairs["mode"]))
        )
        for name, judge in judges.items():
            marking = _role(judge["endpoint"], endpoints)
            usage = of_judge(
                plans, wording, marking, calibration=judge["calibration"], after=asking
            )
            rows.append((novel, name, judge["endpoint"], usage))
    print(_table(rows, {name for name, endpoint in endpoints.items() if endpoint["price"]}))
    print(
        "Estimated, give or take a quarter; cached at best. Answers that the journal holds already cost nothing."
    )
    for unit, limit in llm["budget"].items():
        if limit is not None:
            print(
                f"llm.budget allows {limit:g} {unit} for all that the journal in {Path(llm['journal'])} will ever hold."
            )


def _role(endpoint: str, endpoints: dict) -> Role:
    settings = endpoints[endpoint]
    return Role(endpoint, Price(**settings["price"]), settings["structured"])


def _table(rows: list[tuple[str, str, str, Usage]], priced: set[str]) -> str:
    total = sum((usage for *_, usage in rows), Usage())
    lines = [HEADINGS, *((*names, *_cells(usage, names[-1] in priced)) for *names, usage in rows)]
    lines.append(
        ("total", "", "", *_cells(total, any(endpoint in priced for _, _, endpoint, _ in rows)))
    )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:{'<' if place < 3 else '>'}{width}}"
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _cells(usage: Usage, priced: bool) -> tuple[str, ...]:
    counts = (usage.calls, usage.input, usage.cached, usage.output)
    return (*(f"{count:,}" for count in counts), f"{usage.cost:.4f}" if priced else "-")


if __name__ == "__main__":
    run_job(estimate, snakemake)
