"""The precision of the weights that a processor trains with."""

import torch

from xuxie.training.loaded_models import change_loaded_models


def weights_in_compute_dtype_on_cpu() -> None:
    """Let every model that LLaMA-Factory loads in this process to train on a CPU hold its weights in the precision it computes in.

    LLaMA-Factory loads weights as they came, mostly in bfloat16, even where nobody asked for it; a processor without
    AMX then multiplies at half its speed.
    """
    if not torch.cuda.is_available():
        change_loaded_models(_to_compute_dtype)


def _to_compute_dtype(model, model_args) -> None:
    if model_args.compute_dtype == torch.float32:
        model.float()
