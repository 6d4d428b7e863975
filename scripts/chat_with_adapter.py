"""Write a story together with a tuned model, in the terminal: `make chat`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from snakemake.utils import update_config
from xuxie.chat.opening import open_terminal
from xuxie.config.completion import complete_config
from xuxie.config.file import read_config
from xuxie.config.resolution import resolve
from xuxie.config.settings import Settings
from xuxie.errors import UserError
from xuxie.runtime.clone import REPOSITORY

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
        terminal = open_terminal(resolved(given.configfile), given.adapter)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    terminal.run()
    return 0


def resolved(files: Sequence[str]) -> Settings:
    """The complete configuration, resolved.

    Raises:
        UserError: a file cannot be read, or what stands in it is not allowed.
    """
    config: dict = {}
    for file in files:
        update_config(config, read_config(Path(file)))
    complete_config(config, SCHEMA)
    return resolve(config)


if __name__ == "__main__":
    import readline  # noqa: F401, lines can be edited once it is there

    sys.exit(main())
