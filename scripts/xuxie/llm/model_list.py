"""Is there such a model? An endpoint is asked for the models it has before the first question is paid for."""

import difflib

from xuxie.llm.client import Client
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import stop
from xuxie.llm.structured import whole_text

_NEAR = 3  # names that are told of a model that is not listed
_SEARCHED = 2000  # names among which they are looked for: a list may have any length
_SHOWN = 80  # characters of a name


async def refuse_unlisted(client: Client) -> None:
    """Refuse a model that the endpoint does not list; where it lists none, there is nothing to refuse.

    Raises:
        UserError: there is a list, and the model is not on it.
    """
    endpoint = client.endpoint
    listed = await client.models()
    if not listed or _is_listed(endpoint.model, listed):
        return
    names = [_shown(name, endpoint) for name in listed[:_SEARCHED]]
    near = difflib.get_close_matches(endpoint.model, names, n=_NEAR, cutoff=0.0)
    raise stop(
        f"the endpoint lists {len(listed)} models, and not this one; the nearest are {', '.join(near)}",
        endpoint,
        "correct `model` of this endpoint, or set its `check_model: false` if it takes names that it"
        " does not list",
    )


def _is_listed(model: str, listed: list[str]) -> bool:
    """Whether a name stands there, as it is or in one of the ways in which providers list it."""
    # Gemini lists models/NAME; Ollama lists NAME:latest for NAME; OpenRouter takes NAME:nitro for NAME.
    names = {name.removeprefix("models/") for name in listed}
    name = model.removeprefix("models/")
    return not names.isdisjoint({name, f"{name}:latest", name.rpartition(":")[0]})


def _shown(name: str, endpoint: Endpoint) -> str:
    """A name as it may be told, whatever a server sends for one."""
    printable = "".join(c for c in whole_text(name) if c.isprintable())
    return endpoint.redact(printable)[:_SHOWN]
