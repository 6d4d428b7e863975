"""The gates of one stage, each called with what it looks at."""

import sys
from pathlib import Path

import torch
from safetensors import safe_open
from transformers import AutoConfig

from xuxie.errors import UserError
from xuxie.files.rows import read_json
from xuxie.models.loading import load_tokenizer
from xuxie.prompts.prompting import Prompting, shaping_arguments
from xuxie.training.arguments import machine_arguments
from xuxie.training.features import asked_features, missing, refuse_missing
from xuxie.training.gates import Finding, Gate
from xuxie.training.marker_gates import special_token_gate, trained_marker_gate
from xuxie.training.memory import (
    GIB,
    Shape,
    advice,
    device_memory,
    needed,
)
from xuxie.training.row_gates import (
    answer_gate,
    block_gate,
    prompt_gate,
    stop_gate,
    text_gate,
    turn_gate,
    whole_row_gate,
)


def stage_gates(
    arguments: dict,
    rows: list[dict],
    *,
    asking: dict,
    memory: float | None,
    devices: int = 1,
) -> list[Gate]:
    """Everything that would make a stage fail without an error.

    Args:
        arguments: LLaMA-Factory's, of the stage.
        rows: what it trains on.
        asking: how the tuned model will be asked: the `template`, the `system` prompt (None for the row's own), `target_chars`,
            `max_new_tokens` and `batch_size` of the sampling, and `history_turns`, the most earlier turns of a question.
        memory: of the device that trains, in GiB; None for this machine's.
        devices: how many such devices train at once.
    """
    own_code = arguments["trust_remote_code"]
    tokenizer = load_tokenizer(arguments["model_name_or_path"], trust_remote_code=own_code)
    if arguments["stage"] == "pt":
        gates = _raw_text_gates(arguments, rows, tokenizer)
    else:
        gates = _row_gates(arguments, rows, tokenizer, asking)
    return [*gates, memory_gate(arguments, asking, memory, devices)]


def feature_gate(arguments: dict, memory: float | None) -> Gate:
    """Everything that the arguments ask of packages and of the device is there, or, where another machine trains, installed.

    Raises: UserError: something is missing. `gates: warn` does not help here: the training would fail, or do
        something else.
    """
    here = memory is None or torch.cuda.is_available()
    model_type = read_json(Path(arguments["model_name_or_path"], "config.json"))["model_type"]
    faults = missing(arguments, model_type, here=here)
    refuse_missing(faults, where=f"looked at by {sys.executable}")
    note = "" if here else "installed; they are tried by the job that trains, on its machine"
    asked = list(asked_features(arguments, model_type))
    return Gate("what training asks for is there", len(asked), (), note=note if asked else "")


def memory_gate(arguments: dict, asking: dict, memory: float | None, devices: int) -> Gate:
    """Training fits into memory, and so do the sampling and the evaluation after it; see `stage_gates`.

    Of a model that does not tell its sizes nothing is known, and nothing is found.
    """
    title = "the run fits into memory"
    config = AutoConfig.from_pretrained(
        arguments["model_name_or_path"], trust_remote_code=arguments["trust_remote_code"]
    )
    arguments = as_trained(arguments, memory)
    shape, there = Shape.of(config), memory or device_memory() / GIB
    if shape is None:
        return Gate(title, 0, (), note=f"the config of {config.model_type} does not tell its sizes")
    work = needed(shape, arguments, asking, devices)
    notes, findings = [], []
    for name, parts in work.items():
        need = sum(parts.values()) / GIB
        shares = ", ".join(f"{part} {size / GIB:.1f}" for part, size in parts.items())
        notes.append(f"{name}: about {need:.1f} GiB needed ({shares}), {there:.1f} GiB there")
        if need > there:
            findings.append(Finding("memory", notes[-1], advice(parts, arguments)))
    return Gate(title, len(work), tuple(findings), note="; ".join(notes))


def as_trained(arguments: dict, memory: float | None) -> dict:
    """The arguments with what this machine adds to them, if it is the one that trains: `memory` is None."""
    if memory is not None:
        return arguments
    return arguments | machine_arguments(
        arguments, gpu=torch.cuda.is_available(), precision="bfloat16"
    )


def _raw_text_gates(arguments: dict, rows: list[dict], tokenizer) -> list[Gate]:
    return [
        block_gate(rows, tokenizer, arguments["cutoff_len"]),
        text_gate(rows, tokenizer, ("text",)),
    ]


def _row_gates(arguments: dict, rows: list[dict], tokenizer, asking: dict) -> list[Gate]:
    # The ids are the same with and without loss on the prompt, and without it the labels show where the answer starts.
    shaping = {**shaping_arguments(arguments), "train_on_prompt": False}
    cutoff, template = arguments["cutoff_len"], arguments["template"]
    trained = Prompting(tokenizer, template, **shaping)
    cut = Prompting(tokenizer, template, **shaping, cutoff_len=cutoff)
    asked = Prompting(tokenizer, asking["template"], **shaping)
    table = _embeddings(Path(arguments["model_name_or_path"]))
    return [
        prompt_gate(rows, trained, asked, asking["system"]),
        answer_gate(rows, trained),
        turn_gate(
            rows,
            target_chars=asking["target_chars"],
            max_new_tokens=asking["max_new_tokens"],
            room=cutoff - len(asked.prompt_ids({**rows[0], "input": "", "history": []})),
            history_turns=asking["history_turns"],
        ),
        stop_gate(rows, trained, asked),
        whole_row_gate(rows, trained, cut, cutoff),
        text_gate(rows, trained.tokenizer, ("instruction", "system", "input", "output")),
        special_token_gate(trained, len(table)),
        trained_marker_gate(trained, table, arguments.get("additional_target") or ""),
    ]


def _embeddings(folder: Path) -> torch.Tensor:
    """The model's embeddings, and nothing else of it."""
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118, it is no dict
                if name.endswith(("embed_tokens.weight", "wte.weight", "word_embeddings.weight")):
                    return weights.get_tensor(name)
    raise UserError(
        "no embeddings in the model's safetensors files",
        where=str(folder),
        remedy="convert its weights to safetensors",
    )
