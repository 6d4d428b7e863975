"""Keep the `generate` that a model brings along.

LLaMA-Factory replaces a model's own `generate` by the library's, without a word. Models with custom code
define one for a reason: other stop words, another signature.
"""

import logging

from xuxie.runtime.hooks import put_in_place
from xuxie.runtime.llamafactory import import_factory

logger = logging.getLogger(__name__)


def keep_own_generate() -> None:
    """Wrap LLaMA-Factory's patching of models, in this process, so that a `generate` defined by the model's class stays.

    The loader has imported the patching function by name, so the wrap has to sit there.
    """
    loader = import_factory("llamafactory.model.loader")
    generation = import_factory("transformers").GenerationMixin
    patch_model = loader.patch_model

    def patch_but_generate(model, *args, **kwargs):
        patch_model(model, *args, **kwargs)
        own = type(model).generate is not generation.generate
        if own and "generate" in vars(model):
            del model.generate
        logger.info(
            "generate in use: %s", f"{type(model).__name__}'s own" if own else "the library's"
        )

    put_in_place(loader, "patch_model", patch_but_generate)
