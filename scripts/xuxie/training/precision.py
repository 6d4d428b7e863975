"""The precision of the weights that a processor trains with."""

import torch

from xuxie.runtime.hooks import put_in_place
from xuxie.runtime.llamafactory import import_factory


def weights_in_compute_dtype_on_cpu() -> None:
    """Let every model that LLaMA-Factory loads in this process to train on a CPU hold its weights in the precision it computes in.

    LLaMA-Factory loads weights as they came, mostly in bfloat16, even where nobody asked for it; a processor without
    AMX then multiplies at half its speed.
    """
    if torch.cuda.is_available():
        return
    loader = import_factory("llamafactory.model.loader")
    patch_model = loader.patch_model

    def patch_with_precision(model, tokenizer, model_args, *args, **kwargs):
        patch_model(model, tokenizer, model_args, *args, **kwargs)
        if model_args.compute_dtype == torch.float32:
            model.float()

    put_in_place(loader, "patch_model", patch_with_precision)
