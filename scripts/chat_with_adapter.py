"""Write a story together with a tuned model, in the terminal: `make chat`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from snakemake.utils import update_config
from xuxie.chat.generator import Generator
from xuxie.chat.session import Session
from xuxie.chat.terminal import Terminal
from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.config.settings import Settings
from xuxie.errors import UserError
from xuxie.files.rows import read_json
from xuxie.runtime.clone import REPOSITORY
from xuxie.runtime.environments import python_of
from xuxie.sampling.systems import Trained

SCHEMA = REPOSITORY / "config/schema.yaml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Talk to an adapter of the config, in the template, with the system prompt, instruction and sampling values that it is sampled with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--configfile",
        nargs="+",
        default=["config/config.yaml"],
        help="the configuration; a later file adds to an earlier one",
    )
    parser.add_argument(
        "--adapter", help="which adapter; the first of the configuration if left out"
    )
    given = parser.parse_args(arguments)
    try:
        terminal = open_terminal(read_config(given.configfile), given.adapter)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    terminal.run()
    return 0


def read_config(files: Sequence[str]) -> Settings:
    """The complete configuration, resolved.

    Raises:
        UserError: a file is missing, or what stands in it is not allowed.
    """
    config: dict = {}
    for file in files:
        if not Path(file).exists():
            raise UserError(
                f"there is no {file}",
                where="--configfile",
                remedy="start it in the folder that the workflow runs in",
            )
        update_config(config, yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {})
    complete_config(config, SCHEMA)
    return resolve(config)


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
    generator = Generator(loaded, trained.prompting(tokenizer), settings.sampling)
    session = Session(adapter.dataset.instruction, adapter.system)
    return Terminal(
        session,
        generator.generate,
        lambda: input("> "),
        lambda piece: print(piece, end="", flush=True),
        settings.sampling["seed"],
    )


if __name__ == "__main__":
    import readline  # noqa: F401, lines can be edited once it is there

    sys.exit(main())
