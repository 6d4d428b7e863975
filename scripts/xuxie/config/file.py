"""A configuration's file, as whoever wrote it left it."""

from pathlib import Path

import yaml

from xuxie.errors import UserError


def read_config(path: Path) -> dict:
    """What a configuration's file says; nothing is filled in or checked yet.

    Raises:
        UserError: it is not there, or no YAML with keys.
    """
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"the configuration cannot be read: {error.strerror}",
            where=str(path),
            remedy="start in the folder that the workflow runs in, or name the file with --configfile",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(
            f"the configuration is no YAML: {error}", where=str(path), remedy="correct it there"
        ) from error
    if not isinstance(config, dict):
        raise UserError(
            "the configuration has no keys",
            where=str(path),
            remedy="begin with one of config/examples, or with `novels:`",
        )
    return config
