"""How the script of a rule asks an endpoint: from the sections `endpoints` and `llm` of the configuration to answers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from xuxie.llm.completions import ask_all
from xuxie.llm.endpoint import open_endpoint
from xuxie.llm.question import Answered, Failed
from xuxie.llm.serving import path_of_model

Ask = Callable[..., Iterator[Answered | Failed]]
"""Called with the questions and a `label` for the log."""


@contextmanager
def open_role(
    endpoint: dict, weights: Sequence[str], *, endpoints: dict, llm: dict, threads: int
) -> Iterator[Ask]:
    """What asks an endpoint, for as long as it is open (see `open_endpoint` and `ask_all`).

    Args:
        endpoint: its name, and the model that answers there.
        weights: the files of the model, where it is served here.
        endpoints, llm: these sections of the config.
        threads: CPU threads of an embedded model.
    """
    settings, model = endpoints[endpoint["name"]], path_of_model(weights)
    with open_endpoint(settings, model, threads, llm["offline"]) as opened:
        given = {name: llm[name] for name in ("budget", "max_failed")}
        yield partial(ask_all, opened, journal=Path(llm["journal"]), **given)
