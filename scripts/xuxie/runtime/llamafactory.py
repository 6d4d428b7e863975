"""LLaMA-Factory, importable for text.

It imports torchaudio at the top of its multimodal plugin, though text never reaches it, and on many
machines no build of torchaudio exists beside the installed torch.
"""

import importlib
import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType


def import_factory(name: str = "llamafactory") -> ModuleType:
    """Import a module of LLaMA-Factory, whether or not torchaudio imports.

    An empty module stands in for torchaudio while LLaMA-Factory's plugin is imported, and is
    taken away again, so that no other library takes it for the real one.

    Args:
        name: full name, for example `llamafactory.data.template`.
    """
    os.environ.setdefault("LLAMAFACTORY_VERBOSITY", "WARN")
    importlib.import_module(
        "transformers"
    )  # first: it looks for torchaudio on its own, and must not see the stand-in
    if "llamafactory.data" not in sys.modules and not _imports("torchaudio"):
        stand_in = ModuleType("torchaudio")
        stand_in.__spec__ = ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = stand_in
        try:
            importlib.import_module("llamafactory.data")
        finally:
            del sys.modules["torchaudio"]
    return importlib.import_module(name)


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (
        ImportError,
        OSError,
        RuntimeError,
    ):  # a build for another torch fails in any of these ways
        return False
    return True
