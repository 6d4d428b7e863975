"""How much memory training and sampling need, roughly, and which setting to change when there is not enough."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch

from xuxie.errors import UserError
from xuxie.models.nll import POSITIONS_AT_ONCE as SCORED_POSITIONS

GIB = 1024**3

ADAPTER_BYTES = 16
"""Per trained parameter: weight, gradient and Adam's two moments in float32."""

QUANTISED_BYTES = {None: 2.0, 8: 1.0, 4: 0.55}
"""Per weight of the layers: bfloat16, LLM.int8, and NF4 with its block scales."""

LOGIT_BYTES = 12
"""Per logit: in bfloat16, in float32 for the loss, and its gradient. A fused loss (liger) never has them all at once."""


ON_A_CPU = 2.5
"""Times the activations counted below: measured on the 0.5 B model, 160 to 175 kB a layer and token where they say 66. PEFT gives the
LoRA its inputs in float32, and a CPU's allocator gives little back."""

SAMPLED_ADAPTER_BYTES = 4
"""Per parameter of the adapter where nothing is trained: PEFT loads it in float32."""

SCORED_LOGIT_BYTES = 6
"""Per logit that the evaluation looks at: in bfloat16 and in float32."""


@dataclass(frozen=True)
class Shape:
    """The sizes of a causal language model that its memory follows from."""

    layers: int
    hidden: int
    feed_forward: int
    queries: int
    keys: int
    vocabulary: int
    tied: bool

    @classmethod
    def of(cls, config) -> "Shape | None":
        """Read the sizes from a Hugging Face config; of a model that also sees or hears, those of the part that writes.

        Returns:
            None if the config does not tell them all in the usual words, as GPT-2's does not.
        """
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        try:
            heads = text.num_attention_heads
            head = getattr(text, "head_dim", None) or text.hidden_size // heads
            return cls(
                text.num_hidden_layers,
                text.hidden_size,
                text.intermediate_size,
                head * heads,
                head * (getattr(text, "num_key_value_heads", None) or heads),
                text.vocab_size,
                config.tie_word_embeddings,
            )
        except AttributeError:
            return None

    @property
    def linears(self) -> list[tuple[int, int]]:
        """(inputs, outputs) of each linear map of one layer."""
        attention = [
            (self.hidden, self.queries),
            (self.hidden, self.keys),
            (self.hidden, self.keys),
            (self.queries, self.hidden),
        ]
        return (
            attention + 2 * [(self.hidden, self.feed_forward)] + [(self.feed_forward, self.hidden)]
        )

    @property
    def table(self) -> int:
        """Weights of the embeddings, and of the head if it has a table of its own."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def multiplied(self) -> int:
        """Weights that each token is multiplied with: those of the layers and of the head."""
        layer = sum(inputs * outputs for inputs, outputs in self.linears)
        return self.layers * layer + self.vocabulary * self.hidden


def needed(
    shape: Shape, arguments: dict, asking: dict, devices: int = 1
) -> dict[str, dict[str, float]]:
    """Bytes by purpose, for each kind of work that a device must hold: training, and sampling with the evaluation after it.

    Args:
        arguments: LLaMA-Factory's, of a stage.
        asking: how the tuned model will be asked; see `xuxie.training.checks.stage_gates`.
        devices: that train at once; the model is sampled on one.
    """
    return {
        "training": estimate(shape, arguments, devices),
        "sampling": estimate_sampling(
            shape,
            arguments,
            batch_size=asking["batch_size"],
            max_new_tokens=asking["max_new_tokens"],
        ),
    }


def is_sharded(arguments: dict) -> bool:
    """Whether each of several devices keeps only its share of the weights (FSDP, or DeepSpeed as ZeRO-3).

    Raises:
        UserError: `deepspeed` names no configuration that can be read.
    """
    options = arguments.get("fsdp") or ""
    words = options.split() if isinstance(options, str) else [str(option) for option in options]
    return "full_shard" in words or _zero_stage(arguments.get("deepspeed")) == 3


def _zero_stage(deepspeed: dict | str | None) -> int:
    """The stage of ZeRO in a configuration of DeepSpeed, given as itself, as JSON or as a file; 0 without any."""
    if isinstance(deepspeed, str) and deepspeed:
        try:
            inline = deepspeed.startswith("{")
            deepspeed = json.loads(
                deepspeed if inline else Path(deepspeed).read_text(encoding="utf-8")
            )
        except (OSError, ValueError) as error:
            raise UserError(
                f"deepspeed has no configuration that can be read: {error}",
                where="config key adapters.*.train.deepspeed",
                remedy="name a JSON file, or write the configuration itself there",
            ) from error
    zero = deepspeed.get("zero_optimization") if isinstance(deepspeed, dict) else None
    return zero.get("stage", 0) if isinstance(zero, dict) else 0


def estimate(shape: Shape, arguments: dict, devices: int = 1) -> dict[str, float]:
    """Bytes by purpose, of one device, with the batch at its longest.

    Activations are counted as the tensors that the backward pass keeps: about ten of the hidden size and five of
    the feed-forward size per layer and token in bfloat16, or one of the hidden size and one layer's worth with
    gradient checkpointing. On a CPU the loss is taken in chunks, which never have all logits at once, unless the head is trained. Where the weights are sharded over devices, each holds its share, plus in full the tables and the
    two layers that are being computed and fetched. Expect it to be right within a third.

    Raises:
        UserError: `quantization_bit` is none that the workflow knows, or `deepspeed` cannot be read.
    """
    share = devices if is_sharded(arguments) else 1
    tokens = arguments.get("per_device_train_batch_size", 8) * arguments["cutoff_len"]
    per_layer = 2 * tokens * (10 * shape.hidden + 5 * shape.feed_forward)
    if arguments.get("disable_gradient_checkpointing"):
        activations = shape.layers * per_layer
    else:
        activations = shape.layers * 2 * tokens * shape.hidden + per_layer
    on_cpu = bool(arguments.get("use_cpu"))
    return {
        "base model": _base(shape, arguments) / share + (_gathered(shape) if share > 1 else 0),
        "adapter and optimizer": _trained(shape, arguments) * ADAPTER_BYTES / share,
        "activations": activations * (ON_A_CPU if on_cpu else 1),
        "logits": 0
        if arguments.get("enable_liger_kernel") or (on_cpu and not _trains_head(arguments))
        else LOGIT_BYTES * tokens * shape.vocabulary,
    }


def _trains_head(arguments: dict) -> bool:
    """Whether the head that writes is trained, in full or with a LoRA."""
    return any(
        "lm_head" in (arguments.get(name) or "") for name in ("additional_target", "lora_target")
    )


def estimate_sampling(
    shape: Shape, arguments: dict, *, batch_size: int, max_new_tokens: int
) -> dict[str, float]:
    """Bytes by purpose while the tuned model and its base are sampled and measured, in the form that was trained.

    Args:
        batch_size: how many prompts are continued at once, each of at most `cutoff_len` tokens.
        max_new_tokens: by how many tokens.
    """
    positions = batch_size * (arguments["cutoff_len"] + max_new_tokens)
    return {
        "base model": _base(shape, arguments),
        "adapter": _trained(shape, arguments) * SAMPLED_ADAPTER_BYTES,
        "keys and values": 2 * 2 * shape.layers * shape.keys * positions,
        "logits of the evaluation": SCORED_LOGIT_BYTES * SCORED_POSITIONS * shape.vocabulary,
    }


def _base(shape: Shape, arguments: dict) -> float:
    weights = shape.layers * sum(inputs * outputs for inputs, outputs in shape.linears)
    bits = arguments.get("quantization_bit")
    if bits not in QUANTISED_BYTES:
        raise UserError(
            f"quantization_bit cannot be {bits!r}",
            where="config key adapters.*.train.quantization_bit",
            remedy="one of 4, 8",
        )
    return weights * QUANTISED_BYTES[bits] + 2 * shape.table


def _gathered(shape: Shape) -> float:
    layer = sum(inputs * outputs for inputs, outputs in shape.linears)
    return 2 * (2 * layer + shape.table)


def _trained(shape: Shape, arguments: dict) -> int:
    """Parameters beside the base model's."""
    rank = arguments.get("lora_rank", 8)
    lora = shape.layers * rank * sum(inputs + outputs for inputs, outputs in shape.linears)
    return lora + (shape.table if arguments.get("additional_target") else 0)


def device_memory() -> int:
    """Bytes of this machine's GPU, or, without one, of its main memory."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).total_memory
    import psutil

    return psutil.virtual_memory().total


def advice(parts: dict[str, float], arguments: dict) -> str:
    """The setting that reduces the largest part most."""
    batch = arguments.get("per_device_train_batch_size", 8)
    steps = arguments.get("gradient_accumulation_steps", 1)
    largest = max(parts, key=lambda name: parts[name])
    sampling = "keys and values" in parts  # which one device does, with the whole model
    if largest == "base model" and is_sharded(arguments) and not sampling:
        return "train on more GPUs (adapters.*.gpus, adapters.*.nodes), or take a smaller model"
    if largest == "base model":
        return "set adapters.*.train.quantization_bit to 4 (QLoRA), or take a smaller model"
    if largest == "keys and values":
        return "lower sampling.batch_size: it changes no sample"
    if largest in ("adapter and optimizer", "adapter"):
        return "lower adapters.*.train.lora_rank, or leave out additional_target"
    if largest == "activations" and arguments.get("disable_gradient_checkpointing"):
        return "set adapters.*.train.disable_gradient_checkpointing to false"
    if batch > 1:
        return (
            f"set adapters.*.train.per_device_train_batch_size to {batch // 2} and gradient_accumulation_steps to {steps * 2}: "
            "the same step in half the memory"
        )
    return "lower adapters.*.train.cutoff_len"
