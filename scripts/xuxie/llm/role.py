"""How the script of a rule asks an endpoint: from the sections `endpoints` and `llm` of the configuration to answers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from xuxie.llm.completions import ask_all
from xuxie.llm.endpoint import open_endpoint
from xuxie.llm.question import Answered, Failed

Ask = Callable[..., Iterator[Answered | Failed]]
"""Called with the questions and a `label` for the log."""


@contextmanager
def open_role(
    endpoint: dict, gguf: str | None, *, endpoints: dict, llm: dict, threads: int
) -> Iterator[Ask]:
    """What asks an endpoint, for as long as it is open (see `open_endpoint` and `ask_all`).

    Args:
        endpoint: its name, and the model that answers there.
        gguf: the weights of an embedded one.
        endpoints, llm: these sections of the config.
        threads: CPU threads of an embedded model.
    """
    weights = Path(gguf) if gguf else None
    with open_endpoint(endpoints[endpoint["name"]], weights, threads, llm["offline"]) as opened:
        given = {name: llm[name] for name in ("budget", "offline", "max_failed")}
        yield partial(ask_all, opened, journal=Path(llm["journal"]), **given)
