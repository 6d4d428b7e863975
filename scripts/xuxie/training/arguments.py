"""The arguments that LLaMA-Factory trains with: what the workflow sets, what the user asks for, and their precision."""

import torch

from xuxie.models import best_dtype

PRECISIONS = ("bf16", "fp16", "pure_bf16")
"""The arguments that choose a precision; without any, the machine that trains decides."""


def training_arguments(
    train: dict, *, model: str, template: str, trust_remote_code: bool, dataset: str, dataset_folder: str, adapter_folder: str
) -> dict:
    """Everything that goes into LLaMA-Factory's YAML.

    Args:
        train: LLaMA-Factory arguments from the config; they win over those below.
        model: the base model's folder.
        template: what the rows are worded with.
        trust_remote_code: run the model's own code.
        dataset: name of the dataset, whose registry lies in `dataset_folder`.
        adapter_folder: where the adapter and its checkpoints go.
    """
    return {
        "model_name_or_path": model,
        "trust_remote_code": trust_remote_code,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "dataset_dir": dataset_folder,
        "dataset": f"{dataset}_train",
        "eval_dataset": f"{dataset}_val",
        "template": template,
        "output_dir": adapter_folder,
        "report_to": "none",
        **train,
    }


def machine_arguments(arguments: dict) -> dict:
    """What only the machine that trains can say: CPU or GPU, and the precision if the arguments leave it open.

    bfloat16 is taken wherever it is computed in.
    """
    device = {} if torch.cuda.is_available() else {"use_cpu": True}
    if any(arguments.get(name) for name in PRECISIONS):
        return device
    return device | {torch.bfloat16: {"bf16": True}, torch.float16: {"fp16": True}, torch.float32: {}}[best_dtype()]
