"""Write the model card."""

from pathlib import Path

import yaml
from xuxie.dataset.split import SPLITS
from xuxie.export.card import render_card
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_json, read_rows
from xuxie.prompts.told import example_outline
from xuxie.runtime.job import run_job


def write_model_card(
    evaluation: str,
    samples: str,
    trained_with: str,
    model: list[str],
    rows: list[str],
    texts: list[str],
    parities: list[str],
    layouts: list[str],
    ledger: str,
    card: str,
    *,
    name: str,
    novels: dict[str, str],
    language: str,
    told_in: str,
    rights: str | None,
    show_samples: bool,
    system: str | None,
    instruction: str,
    sampling: dict,
) -> None:
    """Say what the model is: data, rights, recipe, figures, limits, and how to use and publish it.

    Args:
        evaluation, samples, trained_with: of the adapter.
        model: the base model's config.json and its record.
        rows: the dataset's train, val and test rows.
        texts: text.txt of each novel, in the order of `novels`.
        parities: what was found of each GGUF.
        layouts: the card's templates, all in one folder.
        ledger: of the dataset: whether its rows were told outlines.
        novels: the novels' languages by name.
        language: of the card.
        told_in: the language that the rows are told of the story in.
        rights: the user's statement on the novels' rights.
        show_samples: whether the card may show text.
    """
    text = render_card(
        Path(layouts[0]).parent,
        language,
        name=name,
        record=read_json(model[1]),
        evaluation=read_json(evaluation),
        arguments=yaml.safe_load(Path(trained_with).read_text(encoding="utf-8")),
        splits={split: list(read_rows(path)) for split, path in zip(SPLITS, rows, strict=True)},
        texts={novel: read_text(path) for novel, path in zip(novels, texts, strict=True)},
        languages=novels.values(),
        parities=[read_json(path) for path in parities],
        samples=list(read_rows(samples)) if show_samples else [],
        rights=rights,
        system=system,
        instruction=instruction,
        sampling=sampling,
        outline=example_outline(told_in) if read_json(ledger)["told"]["outline"]["train"] else "",
    )
    Path(card).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(write_model_card, snakemake)
