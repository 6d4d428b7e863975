"""From the name of an adapter to a terminal in which it writes."""

import os
import sys
from pathlib import Path

from xuxie.chat.generator import Generator
from xuxie.chat.session import Session
from xuxie.chat.terminal import Terminal
from xuxie.config.settings import Settings
from xuxie.errors import UserError
from xuxie.files.rows import read_json
from xuxie.runtime.environments import python_of
from xuxie.sampling.memory import remembering_by_novel
from xuxie.sampling.systems import Trained


def open_terminal(settings: Settings, name: str | None = None) -> Terminal:
    """Load an adapter on its base model; where that runs in another environment, begin again there.

    Raises:
        UserError: there is no such adapter, or it is not trained yet.
    """
    name = name or next(iter(settings.adapters))
    if name not in settings.adapters:
        raise UserError(
            f"{name!r} is not a key of adapters",
            where="--adapter",
            remedy=f"one of {', '.join(settings.adapters)}",
        )
    adapter = settings.adapters[name]
    folder, model = Path(adapter.folder), adapter.model
    weights = folder / "adapter_model.safetensors"
    needed = (weights, Path(model.config_file))
    if missing := [str(file) for file in needed if not file.exists()]:
        raise UserError(
            f"the adapter {name} is not trained yet: {', '.join(missing)} is missing",
            remedy=f"snakemake --cores all {weights}",
        )
    if not read_json(folder / "gates.json")["passed"]:
        print(
            f"warning: {name} did not pass its training gates, and may write past its end; see {folder}/gates.json",
            file=sys.stderr,
        )
    if (python := python_of(model.environment)) is not None:
        os.execv(python, [str(python), *sys.argv])
    trained = Trained(
        Path(model.config_file).parent, folder, adapter.asked_template, model.trust_remote_code
    )
    loaded, tokenizer = trained.load()
    window = trained.arguments["cutoff_len"]
    generator = Generator(loaded, trained.prompting(tokenizer), settings.sampling, window)
    dataset = adapter.dataset
    cast = dataset.cast if isinstance(dataset.cast, str) else None
    remembering = remembering_by_novel(cast, dataset.language)
    remember = next(iter(remembering.values()), None)
    session = Session(
        dataset.instruction, adapter.system, dataset.history_turns, dataset.language, remember
    )
    return Terminal(
        session,
        generator.generate,
        lambda: input("> "),
        lambda piece: print(piece, end="", flush=True),
        settings.sampling["seed"],
    )
