"""What `train` asks of packages and of the device, tried before anything waits for a GPU or loads a model.

LLaMA-Factory takes some of it away without an error: without flash-attn, `flash_attn: fa2` is a line in the log, and so are
liger kernels that do not know the model. Two places look. The gates of a stage run wherever there is room: they see that packages
are installed, and try them only if this machine is the one that trains. The job that trains tries everything first of all, in
a process of its own: see `xuxie.training.machine`.
"""

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from xuxie.errors import UserError

GPU_INSTALL = (
    "install it: `make install GPU=1`, or with --sdm conda set models.*.environment to gpu"
)
NO_GPU = (
    "there is no GPU here, or its driver is too old for this torch (`nvidia-smi` names its version)"
)

OWN_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "adafactor", "adagrad", "rmsprop", "sgd")
"""Values of `optim` that torch and transformers have by themselves."""

OPTIMIZERS = {
    "bitsandbytes": (
        "adamw_bnb_8bit",
        "adamw_8bit",
        "paged_adamw_32bit",
        "paged_adamw_8bit",
        "ademamix",
        "ademamix_8bit",
        "paged_ademamix_32bit",
        "paged_ademamix_8bit",
        "lion_32bit",
        "lion_8bit",
        "paged_lion_32bit",
        "paged_lion_8bit",
        "rmsprop_bnb",
        "rmsprop_bnb_8bit",
        "rmsprop_bnb_32bit",
    ),
    "torchao": ("adamw_torch_4bit", "adamw_torch_8bit"),
    "galore_torch": (
        "galore_adamw",
        "galore_adamw_8bit",
        "galore_adafactor",
        "galore_adamw_layerwise",
        "galore_adamw_8bit_layerwise",
        "galore_adafactor_layerwise",
    ),
    "apollo_torch": ("apollo_adamw", "apollo_adamw_layerwise"),
    "lomo_optim": ("lomo", "adalomo"),
    "grokadamw": ("grokadamw",),
    "schedulefree": ("schedule_free_radam", "schedule_free_adamw", "schedule_free_sgd"),
    "optimi": ("stable_adamw",),
    "apex": ("adamw_apex_fused",),
    "torchdistx": ("adamw_anyprecision",),
    "torch_xla": ("adamw_torch_xla",),
    "torch_npu": ("adamw_torch_npu_fused",),
}
"""The other values of `optim`, by the module that has them. No part of a name tells which: bitsandbytes' and torchao's both have 8bit."""

OPTIMIZER_INSTALL = {
    "bitsandbytes": GPU_INSTALL,
    "torchao": "install it: pip install torchao",
    "galore_torch": "install it: pip install galore-torch",
    "apollo_torch": "install it: pip install apollo-torch",
    "lomo_optim": "install it: pip install lomo-optim",
    "grokadamw": "install it: pip install grokadamw",
    "schedulefree": "install it: pip install schedulefree",
    "optimi": "install it: pip install torch-optimi",
}
"""How a module of `OPTIMIZERS` is had, where a package index has it."""

Fault = tuple[str, str, str]
"""An argument, what is wrong with what it asks for, and the remedy."""


@dataclass(frozen=True)
class Feature:
    """Something that training asks for.

    Attributes:
        argument: LLaMA-Factory's, with its value, as it is asked for.
        module: the package that has it; empty for what torch has by itself.
        remedy: what brings it.
        attempt: uses it once on the device; None where being there is all.
    """

    argument: str
    module: str
    remedy: str
    attempt: Callable[[], None] | None = None

    def fault(self, *, here: bool) -> str:
        """What is wrong with it; empty if nothing is.

        Args:
            here: this is the machine that trains; otherwise a package is only looked for.
        """
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"{self.module} is not installed"
        if not here:
            return ""
        try:
            if self.module:
                importlib.import_module(self.module)
            if self.attempt:
                self.attempt()
        except Exception as error:  # any that a package for another torch, driver or GPU may raise
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return f"{self.module or 'torch'} fails on this machine: {lines[-1]}"
        return ""


def asked_features(arguments: dict, model_type: str) -> Iterator[Feature]:
    """Everything the arguments ask for that not every environment has.

    Args:
        arguments: LLaMA-Factory's.
        model_type: of the base model, as its config.json names it.
    """
    attention = getattr(arguments.get("flash_attn"), "value", arguments.get("flash_attn"))
    if attention == "fa2":
        yield Feature(
            "flash_attn: fa2",
            "flash_attn",
            "say flash_attn: sdpa, torch's own kernels; or build flash-attn for this torch, which takes nvcc and an hour: "
            "pip install flash-attn --no-build-isolation",
            _attend_with_flash_attention,
        )
    if attention == "sdpa":
        yield Feature("flash_attn: sdpa", "", "leave it out", _attend)
    if arguments.get("enable_liger_kernel"):
        yield Feature(
            "enable_liger_kernel",
            "liger_kernel",
            f"leave it out, or {GPU_INSTALL}",
            lambda: _find_liger_kernels(model_type),
        )
    if bits := arguments.get("quantization_bit"):
        yield Feature(
            f"quantization_bit: {bits}",
            "bitsandbytes",
            f"leave it out, or {GPU_INSTALL}",
            lambda: _multiply_quantised(bits),
        )
    optimizer = str(arguments.get("optim") or "")
    for module, names in OPTIMIZERS.items():
        if optimizer in names:
            yield Feature(
                f"optim: {optimizer}",
                module,
                ", or ".join(
                    filter(None, ["take another optimizer", OPTIMIZER_INSTALL.get(module)])
                ),
                _need_gpu if module == "bitsandbytes" else None,
            )
    if arguments.get("fp8"):
        yield Feature(
            "fp8",
            "transformer_engine" if arguments.get("fp8_backend") == "te" else "torchao",
            "leave it out: bfloat16 is trained in wherever the machine can",
            _need_gpu,
        )
    if arguments.get("deepspeed"):
        yield Feature(
            "deepspeed",
            "deepspeed",
            "say fsdp: full_shard auto_wrap, which torch has (config/examples/qwen2.5-32b-fsdp.yaml); or install it, "
            "which takes nvcc: pip install deepspeed",
            _need_gpu,
        )
    for name in ("bf16", "pure_bf16"):
        if arguments.get(name):
            yield Feature(name, "", "leave it out: the machine that trains chooses", _need_bfloat16)


def missing(arguments: dict, model_type: str, *, here: bool) -> list[Fault]:
    """For each feature that is asked for and missing: the argument, what is wrong, and the remedy."""
    return [
        (feature.argument, fault, feature.remedy)
        for feature in asked_features(arguments, model_type)
        if (fault := feature.fault(here=here))
    ]


def refuse_missing(faults: Sequence[Fault], *, where: str) -> None:
    """Refuse a training that asks for what is not there.

    Args:
        faults: see `missing`.
        where: which machine, or which environment, was looked at.

    Raises: UserError: there are any; names all of them.
    """
    if faults:
        raise UserError(
            "\n".join(f"{argument} is asked for, but {fault}" for argument, fault, _ in faults),
            where=f"config key adapters.*.train, {', '.join(argument for argument, _, _ in faults)}; {where}",
            remedy="; ".join(dict.fromkeys(remedy for _, _, remedy in faults)),
        )


def _need_gpu() -> None:
    if not torch.cuda.is_available():
        raise RuntimeError(NO_GPU)


def _need_bfloat16() -> None:
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise RuntimeError(f"{torch.cuda.get_device_name()} does not compute in bfloat16")


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _attend() -> None:
    query = torch.ones(1, 2, 16, 64, device=_device(), dtype=torch.bfloat16)
    torch.nn.functional.scaled_dot_product_attention(query, query, query, is_causal=True)


def _attend_with_flash_attention() -> None:
    _need_gpu()
    attend = importlib.import_module("flash_attn").flash_attn_func
    query = torch.ones(1, 16, 2, 64, device="cuda", dtype=torch.bfloat16)
    attend(query, query, query, causal=True)


def _find_liger_kernels(model_type: str) -> None:
    kernels = importlib.import_module("liger_kernel.transformers")
    if not hasattr(kernels, f"apply_liger_kernel_to_{model_type}"):
        raise RuntimeError(f"it has no kernels for models of the type {model_type}")
    _need_gpu()


def _multiply_quantised(bits: int) -> None:
    bitsandbytes = importlib.import_module("bitsandbytes")
    layers = bitsandbytes.nn
    layer = (
        layers.Linear4bit(64, 64, compute_dtype=torch.bfloat16)
        if bits == 4
        else layers.Linear8bitLt(64, 64, has_fp16_weights=False)
    )
    with torch.no_grad():
        layer.to(_device())(torch.ones(1, 64, device=_device(), dtype=torch.bfloat16))
