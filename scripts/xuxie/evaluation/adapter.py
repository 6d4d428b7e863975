"""What an adapter is worth: its model against the base on held-out text, and everything that is counted in samples."""

import logging
import math
import time
from contextlib import nullcontext
from pathlib import Path

import torch

from xuxie.evaluation.acquaintance import acquaintance
from xuxie.evaluation.contexts import Plan, Reading, held_out_rows, plan_readings
from xuxie.evaluation.decay import decay_of_texts
from xuxie.evaluation.detectability import detectability
from xuxie.evaluation.examination import (
    examine_bits,
    examine_on_base,
    examine_on_paraphrases,
    examined_further,
    parted_chapters,
)
from xuxie.evaluation.intervals import UNCLEAR, WITHHELD, enough_chapters, verdict
from xuxie.evaluation.lengths import systems_of
from xuxie.evaluation.likelihood import Side, bits_by_token, compare_sides, read_plan
from xuxie.evaluation.paraphrases import with_paraphrases
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import Highlighter, measure_texts, training_text
from xuxie.evaluation.told import WITHOUT, compare_told, outline_readings, state_readings
from xuxie.evaluation.win_rates import win_rates
from xuxie.files.novel_text import chapter_spans, read_text
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.authors import BASE, HUMAN, TUNED, parted
from xuxie.sampling.systems import Trained

logger = logging.getLogger(__name__)


def evaluate_adapter(
    train: str,
    test: str,
    texts: list[str],
    chapters: list[str],
    samples: str,
    judged: str | None,
    exam: str,
    passages: str,
    paraphrased: str | None,
    adapter: str,
    model: list[str],
    evaluation: str,
    *,
    names: list[str],
    settings: dict,
    system: str | None,
    target_chars: int,
    decodings: dict[str, dict],
    template: str,
    trust_remote_code: bool,
    threads: int,
) -> None:
    """Write evaluation.json.

    Args:
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        judged: the judge's preferences; None if there is no judge.
        exam, passages: what `examine_metrics` found out about the metrics of a text, and the passages that it did so on.
        paraphrased: these passages as an LLM wrote them again; None if none was asked.
        settings: what of `evaluation` of the config says how an adapter is evaluated.
        system: `sampling.system` of the config, so that a model is measured as it is asked.
        target_chars: `sampling.target_chars` of the config.
        decodings: how the samples were drawn, by variant; the empty name is as configured.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    held_out = list(read_rows(test))
    sampled = list(read_rows(samples))
    novels = dict(zip(names, map(read_text, texts), strict=True))
    spans = chapter_spans(names, chapters)
    unseen, others = parted_chapters(novels, spans, held_out)
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    loaded, tokenizer = trained.load(large_products=True)
    formats = {BARE: Prompting(tokenizer, BARE), "template": trained.prompting(tokenizer)}
    rows = held_out_rows(held_out, settings["rows"])
    plan = _plan(rows, novels, spans, settings, _room(loaded, formats["template"], rows))
    base, tuned = _read_both(loaded, formats, plan, rows[0], system)
    likelihood = compare_sides(plan, base, tuned)
    told = {
        what: _read_told(loaded, formats["template"], readings, rows[0], system)
        for what, readings in (
            ("state", state_readings(rows)),
            ("outline", outline_readings(rows)),
        )
    }
    novel = "\n".join(novels.values())
    highlighter = Highlighter(novel, training_text(read_rows(train)))
    style = Style(others)
    corrupted = with_paraphrases(
        list(read_rows(passages)), list(read_rows(paraphrased)) if paraphrased else []
    )
    began = time.monotonic()
    with loaded.disable_adapter():
        bits = examine_bits(
            loaded,
            formats[BARE],
            rows[0],
            corrupted,
            (plan, base),
            count=settings["exam"]["read"],
        )
    logger.info("bits per character examined in %.0f s", time.monotonic() - began)
    examined = examined_further(
        read_json(exam),
        {"bits": bits},
        examine_on_base(sampled, highlighter, style),
        examine_on_paraphrases(corrupted, highlighter, style),
    )
    measured = measure_texts(sampled, highlighter, style)
    preferences = list(read_rows(judged)) if judged else []
    write_json(
        evaluation,
        {
            "template": template,
            "rows": len(rows),
            "held_out_rows": len(held_out),
            "chapters": len({(row["novel"], row["chapter"]) for row in rows}),
            "verdict": _signed(likelihood["difference"], examined["metrics"]["bits"]),
            "enough_chapters": enough_chapters(likelihood["difference"]),
            "bits_per_character": likelihood,
            "told": told,
            "decoding": {
                name: decodings[parted(name)[1]] for name in systems_of(sampled) if name != HUMAN
            },
            "texts": measured,
            "decay": decay_of_texts(sampled, measured["rows"], preferences, target_chars),
            "acquaintance": acquaintance(sampled, novel),
            "detectability": detectability(sampled, unseen),
            "exam": examined,
            "judge": {"endpoint": settings["judge"], **win_rates(preferences)} if judged else None,
        },
    )


def _signed(difference: dict, certificate: dict) -> str:
    """The verdict, which only a measure that has passed its exam may carry."""
    found = verdict(difference)
    return found if found == UNCLEAR or certificate["fit"] else WITHHELD


def _plan(
    rows: list[dict],
    novels: dict[str, str],
    spans: dict[tuple[str, int], tuple[int, int]],
    settings: dict,
    room: float,
) -> Plan:
    return plan_readings(
        rows,
        novels,
        spans,
        contexts=settings["contexts"],
        ladder_rows=settings["ladder_rows"],
        stretch=settings["followed_chars"],
        room=room,
    )


def _read_both(
    loaded, formats: dict[str, Prompting], plan: Plan, template_row: dict, system: str | None
) -> tuple[Side, Side]:
    """What base and tuned make of the plan."""
    sides = []
    for name in (BASE, TUNED):
        began = time.monotonic()
        with loaded.disable_adapter() if name == BASE else nullcontext():
            sides.append(read_plan(loaded, formats, plan, template_row, system=system))
        logger.info("%s read in %.0f s, %s", name, time.monotonic() - began, sides[-1].format)
    return sides[0], sides[1]


def _read_told(
    loaded,
    prompting: Prompting,
    readings: dict[str, list[Reading]],
    template_row: dict,
    system: str | None,
) -> dict | None:
    """What base and tuned make of passages with and without what rows are told."""
    sides: dict[str, dict[str, list[float]]] = {}
    for name in (BASE, TUNED):
        with loaded.disable_adapter() if name == BASE else nullcontext():
            sides[name] = {
                version: [
                    sum(bits for _, bits in tokens)
                    for tokens in bits_by_token(
                        loaded, prompting, items, template_row, system=system
                    )
                ]
                for version, items in readings.items()
            }
    return compare_told(readings, sides, WITHOUT)


def _room(model, prompting: Prompting, rows: list[dict]) -> float:
    """Characters that fit into the model's window, beside the template, with a tenth to spare."""
    positions = getattr(model.config, "max_position_embeddings", None) or math.inf
    texts = [row["output"] for row in rows]
    tokens = sum(len(prompting.tokenizer.encode(text, add_special_tokens=False)) for text in texts)
    template = len(prompting.prompt_ids({**rows[0], "input": "", "history": []}))
    return 0.9 * (positions - template) * sum(map(len, texts)) / tokens
