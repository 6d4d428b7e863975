"""The systems that are compared: the base, the adapter, and whoever else is on the list."""

import logging
from collections.abc import Sequence
from pathlib import Path

from xuxie.embedded import sha256_of
from xuxie.llm.journal import Journal
from xuxie.models import load_model
from xuxie.prompting import Prompting
from xuxie.sampling.drawing import Drawing
from xuxie.sampling.local import sample_local

logger = logging.getLogger(__name__)

BASE, TUNED = "base", "tuned"


def choose_prompts(rows: Sequence[dict], count: int) -> list[dict]:
    """At most `count` rows, evenly spread over the test split as it stands (by chapter, then place)."""
    if len(rows) <= count:
        return list(rows)
    return [rows[index * len(rows) // count] for index in range(count)]


def sample_systems(
    rows: Sequence[dict],
    sampling: dict,
    *,
    model_folder: Path,
    adapter_folder: Path,
    template: str,
    trust_remote_code: bool,
    journal_folder: Path,
) -> dict[str, dict[str, dict]]:
    """Outputs by system and row id, base and tuned from one loaded model with the adapter off and on."""
    model, tokenizer = load_model(model_folder, adapter_folder, trust_remote_code=trust_remote_code)
    prompting = Prompting(tokenizer, sampling["template"] or template)
    drawing = Drawing(**{key: sampling[key] for key in ("temperature", "top_p", "top_k", "repetition_penalty")})
    settings = {key: sampling[key] for key in ("seed", "system", "max_new_tokens", "target_chars", "batch_size")}
    base = sha256_of(model_folder / "model.safetensors")
    tuned = f"{base}+{sha256_of(adapter_folder / 'adapter_model.safetensors')}"
    outputs = {}
    with Journal(journal_folder) as journal:
        with model.disable_adapter():
            outputs[BASE] = sample_local(model, prompting, rows, identity=base, journal=journal, drawing=drawing, **settings)
        outputs[TUNED] = sample_local(model, prompting, rows, identity=tuned, journal=journal, drawing=drawing, **settings)
    return outputs
