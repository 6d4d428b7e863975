"""An endpoint's own server, by the command of the configuration: `endpoints.*.serve`."""

import os
from collections.abc import Sequence
from pathlib import Path

import pydantic

from xuxie.llm.server import Server
from xuxie.runtime.command import CONTEXT, GPUS, MODEL, NAME, filled

_GRACE = 10.0  # seconds that a server gets to give back shared memory and GPUs


class ServeSettings(pydantic.BaseModel):
    """How an endpoint is served; what else stands in that section of the configuration is for the scheduler."""

    command: list[str | int | float]
    gpus: int = 1
    start_within: float = 1800
    restarts: int = 3
    health: str = "/health"
    key_variable: str | None = None


def own_server(settings: ServeSettings, weights: Path | None, *, name: str, context: int) -> Server:
    """The server of a command, to be started as a context.

    Args:
        weights: the model's file or folder.
        name: what requests call the model.
        context: tokens of a question and its answer together.
    """
    values = {MODEL: weights, NAME: name, CONTEXT: context, GPUS: settings.gpus}
    return Server(
        filled(settings.command, values),
        os.environ,
        name="the server",
        key_variable=settings.key_variable,
        health=settings.health,
        start_within=settings.start_within,
        restarts=settings.restarts,
        grace=_GRACE,
        remedy="see all that it said in the log above, and correct `serve` of this endpoint; then run again: the answers so far are kept",
    )


def path_of_model(files: Sequence[str]) -> Path | None:
    """What a server is told of a model's files: the folder with a config.json, or else the first GGUF, which leads to its other parts, or the file there is.

    None without files.
    """
    configs = [Path(file) for file in files if Path(file).name == "config.json"]
    if configs:
        return configs[0].parent
    ggufs = sorted(file for file in files if file.endswith(".gguf"))
    return next(map(Path, [*ggufs, *files]), None)
