"""What an adapter is worth: its model against the base on held-out text, and everything that is counted in samples."""

import logging
import math
import time
from pathlib import Path

import torch

from xuxie.evaluation.contexts import held_out_rows, plan_readings
from xuxie.evaluation.intervals import verdict
from xuxie.evaluation.likelihood import POSITIONS, compare_sides, read_plan
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import measure_texts, training_text
from xuxie.evaluation.win_rates import win_rates
from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_rows, write_json
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.systems import Trained

logger = logging.getLogger(__name__)


def evaluate_adapter(
    train: str,
    test: str,
    texts: list[str],
    chapters: list[str],
    samples: str,
    judged: str | None,
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
) -> None:
    """Write evaluation.json.

    Args:
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        judged: the judge's preferences, if there is a judge.
        settings: `evaluation` of the config.
        system: `sampling.system` of the config, so that a model is measured as it is asked.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    held_out = list(read_rows(test))
    sampled = list(read_rows(samples))
    novels = dict(zip(names, map(read_text, texts), strict=True))
    spans = {
        (name, number): (chapter["start"], chapter["end"])
        for name, path in zip(names, chapters, strict=True)
        for number, chapter in enumerate(read_rows(path), 1)
    }
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    rows = held_out_rows(held_out, settings["rows"])
    likelihood = _likelihood(rows, novels, spans, trained, settings, system)
    measured = measure_texts(
        sampled,
        novel="\n".join(novels.values()),
        training=training_text(read_rows(train)),
        style=_style(novels, spans, held_out, sampled),
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
            "judge": {"endpoint": settings["judge"], **win_rates(list(read_rows(judged)))}
            if judged
            else None,
        },
    )


def _likelihood(
    rows: list[dict],
    novels: dict[str, str],
    spans: dict[tuple[str, int], tuple[int, int]],
    trained: Trained,
    settings: dict,
    system: str | None,
) -> dict:
    """Bits per character of base and tuned on the same held-out text."""
    loaded, tokenizer = trained.load(large_products=True)
    formats = {"bare": Prompting(tokenizer, BARE), "template": trained.prompting(tokenizer)}
    template_row = rows[0]
    plan = plan_readings(
        rows,
        novels,
        {chapter: start for chapter, (start, _) in spans.items()},
        contexts=settings["contexts"],
        ladder_rows=settings["ladder_rows"],
        stretch=POSITIONS[-1][1],
        room=_room(loaded, formats["template"], rows),
    )
    sides = {}
    for name in ("base", "tuned"):
        began = time.monotonic()
        if name == "base":
            with loaded.disable_adapter():
                sides[name] = read_plan(loaded, formats, plan, template_row, system=system)
        else:
            sides[name] = read_plan(loaded, formats, plan, template_row, system=system)
        logger.info("%s read in %.0f s, %s", name, time.monotonic() - began, sides[name].format)
    return compare_sides(plan, sides["base"], sides["tuned"])


def _room(model, prompting: Prompting, rows: list[dict]) -> float:
    """Characters that fit into the model's window, beside the template, with a tenth to spare."""
    positions = getattr(model.config, "max_position_embeddings", None) or math.inf
    texts = [row["output"] for row in rows]
    tokens = sum(len(prompting.tokenizer.encode(text, add_special_tokens=False)) for text in texts)
    template = len(prompting.prompt_ids({**rows[0], "input": "", "history": []}))
    return 0.9 * (positions - template) * sum(map(len, texts)) / tokens


def _style(
    novels: dict[str, str],
    spans: dict[tuple[str, int], tuple[int, int]],
    held_out: list[dict],
    sampled: list[dict],
) -> Style:
    """The author's hand, and the held-out chapters without the passages that the author's column is measured on: no text is
    compared with itself."""
    pieces = {
        (novel, number): novels[novel][start:end] for (novel, number), (start, end) in spans.items()
    }
    unseen = "".join(
        pieces[chapter]
        for chapter in dict.fromkeys((row["novel"], row["chapter"]) for row in held_out)
    )
    for sample in sampled:
        unseen = unseen.replace(sample["reference"], "")
    return Style(list(pieces.values()), unseen)
