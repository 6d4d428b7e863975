"""The arguments that LLaMA-Factory trains with: what the workflow sets, what the user asks for, and what the machine decides."""

import contextlib
import dataclasses
import difflib
import functools
import io
import tempfile
import typing
from enum import Enum

import pydantic

from xuxie.errors import UserError
from xuxie.runtime.llamafactory import import_factory

PRECISIONS = ("bf16", "fp16", "pure_bf16")
"""The arguments that choose a precision; without any, the machine that trains decides. `bf16: false` keeps it from bfloat16."""

SET_ELSEWHERE = {
    "model_name_or_path": "adapters.*.model",
    "template": "models.*.template (or adapters.*.train_template, for an experiment)",
    "trust_remote_code": "models.*.trust_remote_code",
    "dataset": "adapters.*.dataset",
    "eval_dataset": "adapters.*.dataset",
    "dataset_dir": "adapters.*.dataset",
    "output_dir": "the adapter's name",
    "adapter_name_or_path": "adapters.*.stages: a later stage goes on from the LoRA of the one before",
    "create_new_adapter": "adapters.*.stages: a later stage goes on from the LoRA of the one before",
    "tokenized_path": "the stage: `pt` is given its blocks as tokens, `sft` its rows as text",
    "max_samples": "adapters.*.tokens, a budget that the ledger accounts for",
    "resume_from_checkpoint": "the workflow: it goes on from the last checkpoint whenever that is sound",
    "val_size": "datasets.*.split: rows are split by chapter, never at random",
}
"""Arguments with a place of their own in the config, or none because the workflow answers for them."""

_OTHER_MODEL = "it makes another model than the base that is sampled and compared with"
_OTHER_TOKENS = "it reads text as other tokens than the base that is sampled and compared with"
REFUSED = {
    "pissa_init": "it changes the base model's weights, so that the base is not what it was and the adapter does not fit it exactly",
    "pissa_convert": "it belongs to pissa_init, which changes the base model's weights",
    "rope_scaling": _OTHER_MODEL,
    "shift_attn": _OTHER_MODEL,
    "mixture_of_depths": _OTHER_MODEL,
    "train_from_scratch": _OTHER_MODEL,
    "use_llama_pro": _OTHER_MODEL,
    "use_kt": _OTHER_MODEL,
    "adapter_folder": "it names a part of another adapter, and every adapter here begins from the base model",
    "resize_vocab": _OTHER_TOKENS,
    "add_tokens": _OTHER_TOKENS,
    "add_special_tokens": _OTHER_TOKENS,
    "new_special_tokens_config": _OTHER_TOKENS,
    "split_special_tokens": _OTHER_TOKENS,
    "hf_hub_token": "a secret stands in the environment only",
    "ms_hub_token": "a secret stands in the environment only",
    "om_hub_token": "a secret stands in the environment only",
    "hub_token": "a secret stands in the environment only",
    "swanlab_api_key": "a secret stands in the environment only",
}
"""Arguments that would part what is trained from what is sampled, evaluated and exported, or that hold a secret, and why."""

FIXED = {
    "finetuning_type": "lora",
    "do_train": True,
    "plot_loss": True,
    "use_fast_tokenizer": True,
    "quantization_method": "bnb",
}
"""Arguments that may be written down, but only with the value that the workflow is made for."""

POSSIBLE = {"quantization_bit": (4, 8), "flash_attn": ("auto", "disabled", "sdpa", "fa2")}
"""What remains of arguments that LLaMA-Factory takes with more values than it can train with: its parser passes them all, and the
model's loader fails. bitsandbytes, by which the samples are made as well, has four and eight bits; of fa3 there is the name alone."""

LOW_RANK = ("galore_", "apollo_")
"""How the names of the optimizers begin that work on the modules of `optim_target_modules`."""


def training_arguments(
    train: dict,
    *,
    stage: str,
    model: str,
    template: str,
    trust_remote_code: bool,
    dataset: str,
    dataset_folder: str,
    adapter_folder: str,
    going_on_from: str | None = None,
) -> dict:
    """Everything that goes into LLaMA-Factory's YAML of one stage, checked.

    Args:
        train: LLaMA-Factory arguments from the config.
        stage: `pt` or `sft`.
        model: the base model's folder.
        template: what the rows are worded with.
        trust_remote_code: run the model's own code.
        dataset: name of the dataset, whose registry lies in `dataset_folder`.
        adapter_folder: where the adapter and its checkpoints go.
        going_on_from: folder of the adapter of the stage before; None begins a new one.

    Raises:
        UserError: an argument is unknown, of the wrong type, refused, or set elsewhere; names the key.
    """
    _refuse(train, stage)
    return {
        "model_name_or_path": model,
        "trust_remote_code": trust_remote_code,
        "stage": stage,
        "finetuning_type": "lora",
        "do_train": True,
        "plot_loss": True,
        "template": template,
        "dataset_dir": dataset_folder,
        "dataset": f"{dataset}_train",
        "eval_dataset": f"{dataset}_val",
        "output_dir": adapter_folder,
        **({"adapter_name_or_path": going_on_from} if going_on_from else {}),
        "report_to": "none",
        "disable_tqdm": True,
        "restore_callback_states_from_checkpoint": True,
        **typed_arguments(train),
    }


def typed_arguments(train: dict) -> dict:
    """The arguments of the config in their own types, under the names of the installed release.

    Raises:
        UserError: one is unknown, of the wrong type, or has a value that cannot be trained with; names the key.
    """
    return {name: _checked(name, value) for name, value in _in_this_release(train).items()}


def _refuse(train: dict, stage: str) -> None:
    """Refuse the arguments that are not a user's to set, or not to this value."""
    fixed = {"stage": stage, **FIXED}
    for name, value in train.items():
        if name in SET_ELSEWHERE:
            raise UserError(
                f"{name} is not set here",
                where=_key(name),
                remedy=f"it follows from {SET_ELSEWHERE[name]}",
            )
        if name in REFUSED and value not in (False, None):
            raise UserError(
                f"{name} is refused: {REFUSED[name]}", where=_key(name), remedy="leave it out"
            )
        if name in fixed and value != fixed[name]:
            raise UserError(
                f"{name} cannot be {value!r}",
                where=_key(name),
                remedy=f"leave it out, or say {fixed[name]!r}",
            )
    optimizer = str(train.get("optim"))
    if optimizer.startswith(LOW_RANK) and not train.get("optim_target_modules"):
        raise UserError(
            f"optim cannot be {optimizer} without optim_target_modules",
            where=_key("optim"),
            remedy="name the modules that it works on, or take another optimizer",
        )
    if stage == "pt" and train.get("packing"):
        raise UserError(
            "packing cannot be chosen in the stage pt",
            where=_key("packing"),
            remedy="leave it out: the workflow makes the blocks, of which no word is lost",
        )


def machine_arguments(arguments: dict, *, gpu: bool, precision: str, processes: int = 1) -> dict:
    """What only the machine that trains can say: the precision if the arguments leave it open, and how many rows a CPU takes at once.

    A GPU wants many rows at once. A CPU is as fast with one, needs no padding then, and has the memory for doing
    without gradient checkpointing: the same rows make the same step, one after the other.

    Args:
        arguments: those of the YAML.
        gpu: whether there is one.
        precision: the best that the machine computes in: bfloat16, float16 or float32.
        processes: how many train at once.

    Raises:
        UserError: float16 is asked for, and there is no GPU to compute in it.
    """
    if arguments.get("fp16") and not gpu:
        raise UserError(
            "fp16 needs a GPU",
            where=_key("fp16"),
            remedy="leave it out: the machine that trains chooses, bfloat16 wherever it can",
        )
    chosen: dict[str, typing.Any] = {}
    refused = precision == "bfloat16" and arguments.get("bf16") is False
    if not refused and not any(arguments.get(name) for name in PRECISIONS):
        chosen |= {"bfloat16": {"bf16": True}, "float16": {"fp16": True}, "float32": {}}[precision]
    if not gpu:
        chosen["use_cpu"] = True
        if processes > 1:
            chosen["ddp_backend"] = "gloo"
        chosen |= (
            {"disable_gradient_checkpointing": True}
            if "disable_gradient_checkpointing" not in arguments
            else {}
        )
        if not arguments.get("packing") and not arguments.get("neat_packing"):
            rows = arguments.get("per_device_train_batch_size", 8) * arguments.get(
                "gradient_accumulation_steps", 1
            )
            chosen |= {
                "per_device_train_batch_size": 1,
                "gradient_accumulation_steps": rows,
                "per_device_eval_batch_size": 1,
            }
    return chosen


def parse_arguments(arguments: dict) -> None:
    """Let LLaMA-Factory read the arguments: it knows what cannot go together.

    Raises:
        UserError: LLaMA-Factory refuses them; says why in its words.
    """
    import torch  # here: `machine_arguments` is asked by the process that waits for a trainer

    parser = import_factory("llamafactory.hparams.parser")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        try:
            gpu = torch.cuda.is_available()
            # A machine without a GPU may well check what another one with a GPU will train.
            here = arguments if gpu else {**arguments, "use_cpu": True, "tf32": None}
            # It asks for torchrun, which only the job that trains is started by.
            here = {name: value for name, value in here.items() if name != "deepspeed"}
            parser.get_train_args({**here, "output_dir": folder})
        except (ValueError, ImportError, RuntimeError, AssertionError, TypeError) as error:
            raise UserError(
                f"LLaMA-Factory refuses these arguments: {error}",
                where="adapters.*.train",
                remedy="change or leave out what it names",
            ) from error


def _checked(name: str, value):
    """The value in the argument's own type: YAML reads `1e-4` as text, and LLaMA-Factory would too."""
    fields = _fields()
    if name not in fields:
        close = difflib.get_close_matches(name, fields, 1)
        raise UserError(
            f"LLaMA-Factory has no argument {name!r}",
            where=_key(name),
            remedy=f"did you mean {close[0]}?"
            if close
            else "see the arguments in LLaMA-Factory's documentation",
        )
    kind, choices = fields[name]
    try:
        value = pydantic.TypeAdapter(
            kind, config={"arbitrary_types_allowed": True}
        ).validate_python(value)
    except pydantic.ValidationError as error:
        quote = (
            "; write it in quotes, since bare yes and no are true and false in YAML"
            if isinstance(value, bool)
            else ""
        )
        raise UserError(
            f"{name} cannot be {value!r}: {error.errors()[0]['msg']}",
            where=_key(name),
            remedy=f"its type is {_words(kind)}{quote}",
        ) from error
    choices = POSSIBLE.get(name, choices)
    if choices and value is not None and value not in choices:
        raise UserError(
            f"{name} cannot be {_plain(value)!r}",
            where=_key(name),
            remedy=f"one of {', '.join(map(str, choices))}",
        )
    return _plain(value)


def _plain(value):
    """A value as YAML can say it: a choice by its name, a list of choices by their names in one text, which LLaMA-Factory reads alike."""
    if isinstance(value, list) and value and all(isinstance(item, Enum) for item in value):
        return " ".join(item.value for item in value)
    return value.value if isinstance(value, Enum) else value


def _in_this_release(train: dict) -> dict:
    """The arguments as the installed release spells them: the one for Qwen-1 has some under the names of years ago."""
    fields, said = _fields(), dict(train)
    if "train_sampling_strategy" in said and "train_sampling_strategy" not in fields:
        said["group_by_length"] = said.pop("train_sampling_strategy") == "group_by_length"
    if "include_num_input_tokens_seen" in said and str not in typing.get_args(
        fields["include_num_input_tokens_seen"][0]
    ):
        said["include_num_input_tokens_seen"] = said["include_num_input_tokens_seen"] not in (
            "no",
            False,
        )
    return said


@functools.cache
def _fields() -> dict:
    """Each argument of LLaMA-Factory: its type and, if it is a choice, the choices."""
    parser = import_factory("llamafactory.hparams.parser")
    fields = {}
    for arguments in parser._TRAIN_ARGS:
        types = typing.get_type_hints(arguments)
        for field in dataclasses.fields(arguments):
            if field.init:
                fields[field.name] = types[field.name], _choices(types[field.name], field)
    return fields


def _choices(kind, field) -> tuple:
    if field.metadata.get("choices"):
        return tuple(field.metadata["choices"])
    enums = [
        option for option in typing.get_args(kind) or (kind,) if hasattr(option, "__members__")
    ]
    return tuple(member.value for enum in enums for member in enum)


def _words(kind) -> str:
    options = [option for option in typing.get_args(kind) if option is not type(None)]
    return " or ".join(getattr(option, "__name__", str(option)) for option in options) or getattr(
        kind, "__name__", str(kind)
    )


def _key(name: str) -> str:
    return f"config key adapters.*.train.{name}"
