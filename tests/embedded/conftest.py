"""The embedded models, made once for all tests that look at them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from convert_model import convert_model
from fetch_model import fetch_model
from workspace import REPOSITORY

TEMPLATES = {"qwen2.5-coder-0.5b": "qwen", "gemma-3-270m": "gemma"}


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory) -> Callable[[str], Path]:
    """A function that gives the folder of an embedded model: model.gguf, hf/, model.json."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        by_the_demo = REPOSITORY / "results/models" / name
        if (by_the_demo / "model.json").exists():
            return by_the_demo
        if name not in made:
            at = tmp_path_factory.mktemp(name)
            (at / "hf").mkdir()
            gguf, card = str(at / "model.gguf"), str(at / "model.json")
            fetch_model(gguf, name)
            convert_model(gguf, str(at / "hf/config.json"), card, name, TEMPLATES[name])
            made[name] = at
        return made[name]

    return folder
