"""What a model makes of held-out text with its adapter and without it: all of an evaluation for which the model is needed."""

import logging
import time
from contextlib import nullcontext
from typing import NamedTuple

from xuxie.evaluation.contexts import Plan, Reading, plan_readings
from xuxie.evaluation.examination import examine_bits
from xuxie.evaluation.likelihood import Side, bits_by_token, compare_sides, read_plan
from xuxie.evaluation.told import compare_told, outline_readings, state_readings
from xuxie.files.novel_text import Chapter
from xuxie.models.window import window_of
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.authors import BASE, TUNED
from xuxie.sampling.systems import Trained

logger = logging.getLogger(__name__)


class HeldOutReading(NamedTuple):
    """What the model said of the held-out text.

    Attributes:
        likelihood: bits per character, base against tuned (see `compare_sides`).
        told: by what rows are told, what that is worth (see `compare_told`); None where no row is told it.
        bits_exam: what bits per character can tell (see `examine_bits`).
    """

    likelihood: dict
    told: dict[str, dict | None]
    bits_exam: dict


def read_held_out(
    trained: Trained,
    rows: list[dict],
    novels: dict[str, str],
    spans: dict[Chapter, tuple[int, int]],
    corrupted: list[dict],
    settings: dict,
    system: str | None,
) -> HeldOutReading:
    """Load the model and let it read.

    Args:
        rows: the held-out rows to measure.
        novels, spans: the novels' texts by name, and where their chapters stand in them.
        corrupted: passages that bits per character are examined on.
        settings: what of `evaluation` of the config says how an adapter is evaluated.
        system: a system prompt in place of the rows' own.
    """
    loaded, tokenizer = trained.load(large_products=True)
    formats = {BARE: Prompting(tokenizer, BARE), "template": trained.prompting(tokenizer)}
    plan = plan_readings(
        rows,
        novels,
        spans,
        contexts=settings["contexts"],
        ladder_rows=settings["ladder_rows"],
        stretch=settings["followed_chars"],
        room=_room(loaded, formats["template"], rows),
    )
    base, tuned = _read_both(loaded, formats, plan, rows[0], system)
    told = {
        what: _read_told(loaded, formats["template"], readings, rows[0], system)
        for what, readings in (("state", state_readings(rows)), ("outline", outline_readings(rows)))
    }
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
    return HeldOutReading(compare_sides(plan, base, tuned), told, bits)


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
    return compare_told(readings, sides)


def _room(model, prompting: Prompting, rows: list[dict]) -> float:
    """Characters that fit into the model's window, beside the template, with a tenth to spare."""
    texts = [row["output"] for row in rows]
    tokens = sum(len(prompting.tokenizer.encode(text, add_special_tokens=False)) for text in texts)
    template = len(prompting.prompt_ids({**rows[0], "input": "", "history": []}))
    return 0.9 * (window_of(model.config) - template) * sum(map(len, texts)) / tokens
