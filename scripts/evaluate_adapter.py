"""Rule evaluate_adapter: what the adapter is worth, base against tuned."""

from pathlib import Path

import torch

from xuxie.evaluation.likelihood import bits_by_token, compare_likelihood, verdict
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import measure_texts
from xuxie.evaluation.win_rates import win_rates
from xuxie.job import run_job
from xuxie.models import load_model
from xuxie.prompting import BARE, Prompting
from xuxie.rows import read_rows, write_json
from xuxie.sampling.systems import choose_prompts


def evaluate_adapter(
    train: str,
    test: str,
    texts: list[str],
    chapters: list[str],
    samples: str,
    judged: str | list,
    adapter: str,
    model: list[str],
    evaluation: str,
    *,
    settings: dict,
    system: str | None,
    template: str,
    trust_remote_code: bool,
    threads: int,
    **_files,
) -> None:
    """Measure the true continuations of held-out chapters under base and tuned, and what the systems wrote.

    Args:
        texts, chapters: text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        judged: the judge's preferences; an empty list if there is no judge.
        settings: `evaluation` of the config.
        system: `sampling.system` of the config, so that a model is measured as it is asked.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    rows = choose_prompts(list(read_rows(test)), settings["rows"])
    loaded, tokenizer = load_model(Path(model[0]).parent, Path(adapter).parent, trust_remote_code=trust_remote_code)
    asked = Prompting(tokenizer, template)
    with loaded.disable_adapter():
        base = {
            "bare": bits_by_token(loaded, Prompting(tokenizer, BARE), rows),
            "template": bits_by_token(loaded, asked, rows, system=system),
        }
    tuned = bits_by_token(loaded, asked, rows, system=system)
    likelihood = compare_likelihood(rows, base, tuned, seed=settings["seed"])

    held_out = list(read_rows(test))
    trained = list(read_rows(train))
    whole = [Path(path).read_text(encoding="utf-8") for path in texts]
    pieces = [
        text[chapter["start"] : chapter["end"]] for text, path in zip(whole, chapters, strict=True) for chapter in read_rows(path)
    ]
    measured = measure_texts(
        list(read_rows(samples)),
        novel="\n".join(whole),
        training="\n".join(row["input"] + row["output"] for row in trained),
        style=Style(pieces, "".join(row["output"] for row in held_out)),
        seed=settings["seed"],
    )
    write_json(
        evaluation,
        {
            "template": template,
            "rows": len(rows),
            "held_out_rows": len(held_out),
            "chapters": len({(row["novel"], row["chapter"]) for row in rows}),
            "verdict": verdict(likelihood["difference"]),
            "bits_per_character": likelihood,
            "texts": measured,
            "judge": {"endpoint": settings["judge"], **win_rates(list(read_rows(judged)), seed=settings["seed"])} if judged else None,
        },
    )


if __name__ == "__main__":
    run_job(evaluate_adapter, snakemake)  # noqa: F821
