"""Every model that LLaMA-Factory loads in this process to train, changed once it has been loaded."""

from collections.abc import Callable

from xuxie.runtime.hooks import put_in_place
from xuxie.runtime.llamafactory import import_factory


def change_loaded_models(change: Callable) -> None:
    """Call `change(model, model_args)` after LLaMA-Factory's own patching of each model, from now on.

    The loader has imported the patching function by name, so the wrap has to sit there.

    Raises:
        RuntimeError: the loader of this release has no such function.
    """
    loader = import_factory("llamafactory.model.loader")
    patch_model = loader.patch_model

    def patch_and_change(model, tokenizer, model_args, *args, **kwargs):
        patch_model(model, tokenizer, model_args, *args, **kwargs)
        change(model, model_args)

    put_in_place(loader, "patch_model", patch_and_change)
