"""What `train` asks of packages and of the device, tried before anything waits for a GPU or loads a model.

LLaMA-Factory takes some of it away without an error: without flash-attn, `flash_attn: fa2` is a line in the log, and so are
liger kernels that do not know the model. Two places look. The gates of a stage run wherever there is room: they see that packages
are installed, and try them only if this machine is the one that trains. The job that trains tries everything first of all, in
a process of its own: see `xuxie.training.machine`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType, SimpleNamespace

import torch

from xuxie.errors import UserError
from xuxie.runtime.llamafactory import import_factory

GPU_INSTALL = (
    "install it: `make install GPU=1`, or with --sdm conda set models.*.environment to gpu"
)
NO_GPU = (
    "there is no GPU here, or its driver is too old for this torch (`nvidia-smi` names its version)"
)

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

LIGER = "liger_kernel.transformers"
LIGER_FUNCTION = "apply_liger_kernel_to_"
"""How its functions begin that give a type of model, named after it, the kernels."""

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
        unfit: why it would do nothing for this model, which any machine can tell; empty if it would.
    """

    argument: str
    module: str
    remedy: str
    attempt: Callable[[], None] | None = None
    unfit: Callable[[], str] | None = None

    def fault(self, *, here: bool) -> str:
        """What is wrong with it; empty if nothing is.

        Args:
            here: this is the machine that trains; otherwise a package is only looked for.
        """
        if self.module and importlib.util.find_spec(self.module) is None:
            return f"{self.module} is not installed"
        if self.unfit and (reason := self.unfit()):
            return reason
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
            lambda: unfit_for_liger(model_type),
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
    kernels = importlib.import_module(LIGER)
    if not hasattr(kernels, LIGER_FUNCTION + model_type):
        raise RuntimeError(f"this release has no kernels for models of the type {model_type}")
    _need_gpu()


def unfit_for_liger(model_type: str) -> str:
    """Why LLaMA-Factory would train a model of this type without liger's kernels, though it is asked for them; empty if it would not."""
    called = _called_of_liger(model_type)
    if not called:
        return f"LLaMA-Factory has no kernels of liger for models of the type {model_type}"
    # Each of these functions changes the classes of the type in its name: glm gets glm4's, which it does not use.
    if called != LIGER_FUNCTION + model_type:
        return f"LLaMA-Factory calls liger's {called}, which does nothing for the type {model_type}"
    return ""


def _called_of_liger(model_type: str) -> str:
    """The function of liger that LLaMA-Factory calls before it loads a model of this type; empty if none.

    Its list is code. That is run with an empty module in liger's place, whose functions only say that they were called.
    """
    apply = import_factory("llamafactory.model.model_utils.liger_kernel").apply_liger_kernel
    called: list[str] = []
    stand_in = ModuleType(LIGER)
    vars(stand_in)["__getattr__"] = lambda name: partial(called.append, name)
    liger = sys.modules.get(LIGER)
    sys.modules[LIGER] = stand_in
    try:
        apply(
            SimpleNamespace(model_type=model_type),
            SimpleNamespace(enable_liger_kernel=True),
            is_trainable=True,
            require_logits=False,
        )
    finally:
        del sys.modules[LIGER]
        if liger:
            sys.modules[LIGER] = liger
    return "".join(called)


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
