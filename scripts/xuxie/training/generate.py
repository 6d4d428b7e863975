"""Keep the `generate` that a model brings along.

LLaMA-Factory replaces a model's own `generate` by the library's, without a word. Models with custom code
define one for a reason: other stop words, another signature.
"""

import logging

from xuxie.runtime.llamafactory import import_factory
from xuxie.training.loaded_models import change_loaded_models

logger = logging.getLogger(__name__)


def keep_own_generate() -> None:
    """Let a `generate` that is defined by a model's class stay, in every model that LLaMA-Factory loads in this process."""
    change_loaded_models(_restore_own_generate)


def _restore_own_generate(model, _model_args) -> None:
    own = type(model).generate is not import_factory("transformers").GenerationMixin.generate
    if own and "generate" in vars(model):
        del model.generate
    logger.info("generate in use: %s", f"{type(model).__name__}'s own" if own else "the library's")
