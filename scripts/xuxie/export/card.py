"""The model card: what the model is made of, what it is worth, and under whose rights."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import jinja2
import yaml

from xuxie.sampling.authors import BASE, TUNED

SHOWN_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "penalty_window",
    "dry_multiplier",
    "max_new_tokens",
)

SHOWN_ARGUMENTS = (
    "cutoff_len", "lora_rank", "lora_alpha", "lora_dropout", "lora_target", "per_device_train_batch_size", "gradient_accumulation_steps",
    "learning_rate", "num_train_epochs", "lr_scheduler_type", "warmup_steps", "seed",
)  # fmt: skip
SHOWN_SAMPLES = 3


def counts(texts: dict[str, str], splits: Mapping[str, Sequence[dict]]) -> list[dict]:
    """By novel: name, characters, and rows of each split.

    Args:
        texts: the novels' texts by name.
        splits: Alpaca rows by split.
    """
    rows = {split: Counter(row["novel"] for row in found) for split, found in splits.items()}
    return [
        {
            "name": name,
            "characters": len(text),
            **{split: count[name] for split, count in rows.items()},
        }
        for name, text in texts.items()
    ]


def front_matter(record: dict, languages: Iterable[str]) -> str:
    """What a hub reads from a card: licence, base model, languages. What is not known is left out, never guessed.

    Args:
        record: the base model's model.json.
    """
    facts = {
        "license": record["licence"].lower() if record.get("licence") else None,
        "base_model": record.get("repository") or record.get("gguf", {}).get("repository"),
        "language": sorted(set(languages) - {"any"}) or None,
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "tags": ["lora", "gguf", "story-continuation"],
    }
    return yaml.safe_dump(
        {name: value for name, value in facts.items() if value}, sort_keys=False, allow_unicode=True
    )


def measures(evaluation: dict, titles: dict[str, str]) -> list[tuple[str, dict]]:
    """(title, values of base and tuned) of the measures that both have; empty if not both were sampled."""
    systems = evaluation["texts"]["systems"]
    base, tuned = systems.get(BASE, {}), systems.get(TUNED, {})
    return [
        (title, {BASE: base[name]["value"], TUNED: tuned[name]["value"]})
        for name, title in titles.items()
        # Names, for example, are not looked for in every language.
        if name in base and name in tuned
    ]


def render_card(
    folder: Path,
    language: str,
    *,
    name: str,
    record: dict,
    evaluation: dict,
    arguments: dict,
    splits: Mapping[str, Sequence[dict]],
    texts: dict[str, str],
    languages: Iterable[str],
    parities: list[dict],
    samples: list[dict],
    rights: str | None,
    system: str | None,
    instruction: str,
    sampling: dict,
    outline: str = "",
) -> str:
    """The card in Markdown.

    Args:
        folder: where its template and the titles of measures lie.
        language: `zh` or `en`, of the card.
        record: the base model's model.json.
        arguments: of LLaMA-Factory.
        splits: Alpaca rows by split.
        texts: the novels' texts by name.
        languages: the novels' languages.
        parities: what was found of each GGUF.
        samples: rows of samples.jsonl that may be shown; none if no text may.
        rights: the user's statement on the novels' rights.
        system, instruction, sampling: how the model is asked.
        outline: an example of the line that says what is to happen; empty if no row was told so.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value: "–" if value is None else f"{value:.3f}"
    environment.filters["quote"] = lambda text: text.replace("<", "&lt;").replace("\n", "\n> ")
    titles = yaml.safe_load((folder / "measures.yaml").read_text(encoding="utf-8"))[language]
    return environment.get_template(f"card.{language}.md.j2").render(
        front_matter=front_matter(record, languages),
        name=name,
        base={"licence": None, "terms": None, **record},
        novels=counts(texts, splits),
        trained_characters=sum(len(row["output"]) for row in splits["train"]),
        longest=max(len(row["output"]) for row in splits["train"]),
        recipe=arguments,
        arguments=yaml.safe_dump(
            {key: arguments[key] for key in SHOWN_ARGUMENTS if key in arguments}, sort_keys=False
        ),
        system=system,
        instruction=instruction,
        outline=outline,
        sampling=", ".join(f"{key} {sampling[key]}" for key in SHOWN_SAMPLING),
        evaluation=evaluation,
        bits=evaluation["bits_per_character"],
        measures=measures(evaluation, titles),
        parities=parities,
        rights=rights,
        samples=[
            {"prompt": row["prompt"]["input"], "output": row["outputs"][TUNED]["text"]}
            for row in samples
            if TUNED in row["outputs"]
        ][:SHOWN_SAMPLES],
    )
