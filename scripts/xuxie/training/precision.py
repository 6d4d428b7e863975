"""The precision that LLaMA-Factory computes in on a processor, where no argument names one."""

import torch

from xuxie.models.loading import best_dtype
from xuxie.runtime.hooks import put_in_place
from xuxie.runtime.llamafactory import import_factory


def load_in_fastest_precision() -> None:
    """Let LLaMA-Factory load a model in float32 where a processor trains fastest in it.

    Without `bf16` among the arguments it still takes bfloat16 weights as they come, and no argument of its own says
    otherwise for a training: `infer_optim_dtype` asks the flag that is set here.
    """
    if not torch.cuda.is_available() and best_dtype(large_products=True) == torch.float32:
        put_in_place(import_factory("llamafactory.extras.misc"), "_is_bf16_available", False)
