"""An endpoint: a model behind an OpenAI-compatible address, somewhere else or started here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Self

import pydantic

from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.llm.embedded import LONGEST_ANSWER, embedded_server
from xuxie.llm.server import Server
from xuxie.llm.serving import ServeSettings, own_server
from xuxie.llm.tariff import PriceSettings, Tariff

_TIMEOUT = 120.0  # seconds of a call to somewhere else
_ROOM = 16384  # tokens of an answer that most providers allow
_CONTEXT = 4096  # tokens of a question and its answer
_SHORTEST_KEY = 6  # a shorter secret is no secret, and taking it out would garble texts


class BatchSettings(pydantic.BaseModel):
    """How questions are asked by batch."""

    model_config = pydantic.ConfigDict(extra="forbid")

    window: str = "24h"
    gather: float = pydantic.Field(default=1, gt=0)
    first_look: float = pydantic.Field(default=2, gt=0)
    poll: float = pydantic.Field(default=60, gt=0)
    questions: int = pydantic.Field(default=10_000, ge=1, le=50_000)


class EndpointSettings(pydantic.BaseModel):
    """One endpoint of the configuration; `embedded`, `serve` and `model`, or `base_url` and `model` say where it is."""

    model_config = pydantic.ConfigDict(extra="forbid")

    embedded: str | None = None
    serve: ServeSettings | None = None
    base_url: str | None = None
    model: str | None = None
    check_model: bool = True
    identity: str | None = None
    api_key_env: str | None = None
    concurrency: int = pydantic.Field(ge=1, le=4096)
    rpm: float | None = pydantic.Field(default=None, gt=0)
    tpm: float | None = pydantic.Field(default=None, gt=0)
    timeout: float = pydantic.Field(gt=0)
    deadline: float | None = pydantic.Field(default=None, gt=0)
    patience: float = pydantic.Field(default=1800, ge=0)
    backoff: float = pydantic.Field(default=0.5, gt=0)
    tries: int = pydantic.Field(default=8, ge=1)
    grace: float = pydantic.Field(default=25, ge=0)
    attempts: int = pydantic.Field(default=3, ge=1)
    structured: Literal["auto", "schema", "json", "text"] = "auto"
    max_tokens: int = pydantic.Field(default=1024, ge=1)
    max_output: int = pydantic.Field(ge=1)
    context: int = pydantic.Field(default=_CONTEXT, ge=256)
    price: PriceSettings = PriceSettings()
    batch: bool | BatchSettings = False
    tokenizer: str | None = None
    extra_body: dict = {}
    fields: dict[str, str | None] = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _own_defaults(cls, given: dict) -> dict:
        """Fill in what null stands for, which depends on where the model computes."""
        here = given.get("embedded") or given.get("serve")
        own = {
            "concurrency": 1 if given.get("embedded") else 8,
            "timeout": LONGEST_ANSWER if here else _TIMEOUT,
            "max_output": given.get("context", _CONTEXT) if here else _ROOM,
        }
        return {**given, **{name: own[name] for name in own if given.get(name) is None}}

    @pydantic.model_validator(mode="after")
    def _under_a_schema(self) -> Self:
        # llama.cpp decodes under a schema: nothing is to be found out.
        if self.embedded and self.structured == "auto":
            self.structured = "schema"
        return self

    @pydantic.model_validator(mode="after")
    def _one_place(self) -> Self:
        places = [f"`{name}`" for name in ("embedded", "serve", "base_url") if getattr(self, name)]
        if len(places) > 1:
            raise ValueError(f"has {' and '.join(places)}: keep one")
        if not places or not (self.embedded or self.model):
            raise ValueError("needs `embedded`, `serve` and `model`, or `base_url` and `model`")
        if self.served_here and self.batch:
            raise ValueError("has `batch`, which only providers have: its model computes here")
        return self

    @property
    def served_here(self) -> bool:
        """Whether the job starts the server itself."""
        return bool(self.embedded or self.serve)

    @property
    def batches(self) -> BatchSettings | None:
        """How questions are asked by batch; None if they are asked directly."""
        return BatchSettings() if self.batch is True else self.batch or None


@dataclass(frozen=True)
class Endpoint:
    """Where to ask and under which rules.

    Attributes:
        base_url: address of the API, up to and including its version (`…/v1`).
        model: the name that requests carry.
        identity: the name under which the journal keeps the model's answers. It outlives a port, a proxy and a renewed key.
        key: the secret; never logged, never written.
        settings: the rest of the configuration.
        price: money per million tokens, by the hour.
        offline: nothing may be asked: answers come from the journal alone.
        server: the server of an endpoint that is served here; it is started before the first call, and moves
            to another port where its own is taken by then, or when it is started again.
    """

    base_url: str
    model: str
    identity: str
    key: str = field(repr=False)
    settings: EndpointSettings
    price: Tariff
    offline: bool = False
    server: Server | None = None

    def redact(self, text: str) -> str:
        """The text without the key, which some servers repeat in errors and even in answers."""
        return text.replace(self.key, "***") if len(self.key) >= _SHORTEST_KEY else text


@contextmanager
def open_endpoint(
    endpoint_settings: dict, weights: Path | None = None, threads: int = 1, offline: bool = False
) -> Iterator[Endpoint]:
    """Resolve an endpoint; the server of one that is `embedded` or has `serve` is started here when it is asked, and ended with the context.

    Args:
        endpoint_settings: one entry of `endpoints` in the configuration.
        weights: what is served here: a file, or a folder.
        threads: CPU threads of an embedded model.
        offline: nobody will ask: needs no key, starts no server.

    Raises:
        UserError: the settings contradict themselves, or the variable that should hold the key is not set.
    """
    settings = read_settings(endpoint_settings)
    model = settings.embedded or settings.model
    assert model  # the settings have been checked
    if settings.embedded and (weights is None or not weights.is_file()):
        raise UserError(
            f"the weights of the embedded model {settings.embedded} are missing",
            where=str(weights),
            remedy="run the rule that makes them",
        )
    resolved = partial(
        Endpoint,
        model=model,
        identity=settings.identity or _identity(settings, model, weights),
        settings=settings,
        price=Tariff.of(settings.price),
    )
    if offline:
        yield resolved(base_url=settings.base_url or "", key="", offline=True)
    elif settings.served_here:
        with _server(settings, model, weights, threads) as server:
            yield resolved(base_url=f"{server.address}/v1", key=server.key, server=server)
    else:
        assert settings.base_url  # the settings have been checked
        yield resolved(base_url=settings.base_url, key=_key_from(settings.api_key_env))


def _server(settings: EndpointSettings, model: str, weights: Path | None, threads: int) -> Server:
    """The server of an endpoint that is served here."""
    if settings.serve:
        return own_server(settings.serve, weights, name=model, context=settings.context)
    assert weights  # an embedded model has them
    return embedded_server(
        weights, threads=threads, slots=settings.concurrency, context=settings.context
    )


def _identity(settings: EndpointSettings, model: str, weights: Path | None) -> str:
    """The name under which the journal keeps a model's answers: with the hash of what was served, where that is known.

    A folder of `models` has its hashes in the record beside it; any other may be too large to be read for this.
    """
    hashed = weights if settings.embedded else weights and weights.parent / "model.json"
    if hashed and hashed.is_file():
        return f"{model}@{sha256_of(hashed)[:16]}"
    return model


def read_settings(endpoint_settings: dict) -> EndpointSettings:
    """One entry of `endpoints` in the configuration.

    Raises:
        UserError: the settings contradict themselves.
    """
    try:
        return EndpointSettings(**endpoint_settings)
    except pydantic.ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))} {e['msg']}".strip() for e in error.errors()
        )
        raise UserError(
            f"an endpoint's settings are wrong: {problems}",
            where="config: endpoints",
            remedy="see config/README.md",
        ) from error


def _key_from(variable: str | None) -> str:
    if variable is None:
        return "none"
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            f"the environment variable {variable} holds characters that no API key has,"
            " such as a blank, a line end or an invisible one",
            where="config: endpoints, api_key_env",
            remedy=f"export {variable}=<your key> again, as the provider shows it",
        )
    if not key:
        raise UserError(
            f"the environment variable {variable} is not set, so there is no API key",
            where="config: endpoints, api_key_env",
            remedy=f"export {variable}=<your key> in the shell that starts snakemake",
        )
    return key
