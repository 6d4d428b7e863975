"""Rule evaluate_adapter: what the adapter is worth, base against tuned."""

from pathlib import Path

import torch
from xuxie.evaluation.likelihood import bits_by_token, compare_likelihood, verdict
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import measure_texts
from xuxie.evaluation.win_rates import win_rates
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_rows, write_json
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.sampling.systems import Trained, choose_prompts


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
    names: list[str],
    settings: dict,
    system: str | None,
    template: str,
    trust_remote_code: bool,
    threads: int,
    **_files,
) -> None:
    """Measure the true continuations of held-out chapters under base and tuned, and what the systems wrote.

    Args:
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        judged: the judge's preferences; an empty list if there is no judge.
        settings: `evaluation` of the config.
        system: `sampling.system` of the config, so that a model is measured as it is asked.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    held_out = list(read_rows(test))
    rows = choose_prompts(held_out, settings["rows"])
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    loaded, tokenizer = trained.load()
    asked = trained.prompting(tokenizer)
    with loaded.disable_adapter():
        base = {
            "bare": bits_by_token(loaded, Prompting(tokenizer, BARE), rows),
            "template": bits_by_token(loaded, asked, rows, system=system),
        }
    tuned = bits_by_token(loaded, asked, rows, system=system)
    likelihood = compare_likelihood(rows, base, tuned, seed=settings["seed"])

    sampled = list(read_rows(samples))
    novels = [read_text(path) for path in texts]
    pieces = {
        (novel, number): text[chapter["start"] : chapter["end"]]
        for novel, text, path in zip(names, novels, chapters, strict=True)
        for number, chapter in enumerate(read_rows(path), 1)
    }
    measured = measure_texts(
        sampled,
        novel="\n".join(novels),
        training="\n".join(row["input"] + row["output"] for row in read_rows(train)),
        style=Style(list(pieces.values()), _unseen(pieces, held_out, sampled)),
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
            "judge": {
                "endpoint": settings["judge"],
                **win_rates(list(read_rows(judged)), seed=settings["seed"]),
            }
            if judged
            else None,
        },
    )


def _unseen(pieces: dict[tuple[str, int], str], held_out: list[dict], sampled: list[dict]) -> str:
    """The held-out chapters without the passages that the author's column is measured on: no text is compared with itself."""
    chapters = dict.fromkeys((row["novel"], row["chapter"]) for row in held_out)
    text = "".join(pieces[chapter] for chapter in chapters)
    for sample in sampled:
        text = text.replace(sample["reference"], "")
    return text


if __name__ == "__main__":
    run_job(in_environment(evaluate_adapter), snakemake)
