"""An endpoint: a model behind an OpenAI-compatible address, somewhere else or started here."""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pydantic

from xuxie.errors import UserError
from xuxie.llm.embedded import LONGEST_ANSWER, embedded_server
from xuxie.llm.tariff import PriceSettings, Tariff

logger = logging.getLogger(__name__)

_TIMEOUT = 120.0  # seconds of a call to somewhere else
_ROOM = 16384  # tokens of an answer that most providers allow
_SHORTEST_KEY = 6  # a shorter secret is no secret, and taking it out would garble texts


class BatchSettings(pydantic.BaseModel):
    """How questions are asked by batch."""

    model_config = pydantic.ConfigDict(extra="forbid")

    window: str = "24h"
    poll: float = pydantic.Field(default=60, gt=0)
    questions: int = pydantic.Field(default=10_000, ge=1, le=50_000)


class EndpointSettings(pydantic.BaseModel):
    """One endpoint of the configuration; either `embedded` or `base_url` and `model` say where it is."""

    model_config = pydantic.ConfigDict(extra="forbid")

    embedded: str | None = None
    base_url: str | None = None
    model: str | None = None
    check_model: bool = True
    identity: str | None = None
    api_key_env: str | None = None
    concurrency: int | None = pydantic.Field(default=None, ge=1, le=4096)
    rpm: float | None = pydantic.Field(default=None, gt=0)
    tpm: float | None = pydantic.Field(default=None, gt=0)
    timeout: float | None = pydantic.Field(default=None, gt=0)
    deadline: float | None = pydantic.Field(default=None, gt=0)
    patience: float = pydantic.Field(default=1800, ge=0)
    tries: int = pydantic.Field(default=8, ge=1)
    grace: float = pydantic.Field(default=25, ge=0)
    attempts: int = pydantic.Field(default=3, ge=1)
    structured: Literal["auto", "schema", "json", "text"] = "auto"
    max_tokens: int = pydantic.Field(default=1024, ge=1)
    max_output: int | None = pydantic.Field(default=None, ge=1)
    context: int = pydantic.Field(default=4096, ge=256)
    price: PriceSettings = PriceSettings()
    batch: bool | BatchSettings = False
    tokenizer: str | None = None
    extra_body: dict = {}
    fields: dict[str, str | None] = {}

    @pydantic.model_validator(mode="after")
    def _own_defaults(self):
        if self.concurrency is None:
            self.concurrency = 1 if self.embedded else 8
        if self.timeout is None:
            self.timeout = LONGEST_ANSWER if self.embedded else _TIMEOUT
        if self.max_output is None:
            self.max_output = self.context if self.embedded else _ROOM
        # llama.cpp decodes under a schema: nothing is to be found out.
        if self.embedded and self.structured == "auto":
            self.structured = "schema"
        return self

    @pydantic.model_validator(mode="after")
    def _one_place(self):
        if self.embedded and self.base_url:
            raise ValueError("has both `embedded` and `base_url`: keep one")
        if not self.embedded and not (self.base_url and self.model):
            raise ValueError("needs `embedded`, or `base_url` and `model`")
        if self.embedded and self.batch:
            raise ValueError(
                "has `batch`, which only providers have: an embedded model computes here"
            )
        return self

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
    """

    base_url: str
    model: str
    identity: str
    key: str = field(repr=False)
    settings: EndpointSettings
    price: Tariff
    offline: bool = False

    def redact(self, text: str) -> str:
        """The text without the key, which some servers repeat in errors and even in answers."""
        return text.replace(self.key, "***") if len(self.key) >= _SHORTEST_KEY else text


@contextmanager
def open_endpoint(
    endpoint_settings: dict, gguf: Path | None = None, threads: int = 1, offline: bool = False
) -> Iterator[Endpoint]:
    """Resolve an endpoint; one that is `embedded` is started here, on a free loopback port, and stopped at the end.

    Args:
        endpoint_settings: one entry of `endpoints` in the configuration.
        gguf: the weights of an embedded model.
        threads: CPU threads of an embedded model.
        offline: nobody will ask: needs no key, starts no server.

    Raises:
        UserError: the settings contradict themselves, or the variable that should hold the key is not set.
    """
    settings = read_settings(endpoint_settings)
    if settings.embedded:
        if gguf is None or not Path(gguf).is_file():
            raise UserError(
                f"the weights of the embedded model {settings.embedded} are missing",
                where=str(gguf),
                remedy="run the rule that makes them",
            )
        identity = settings.identity or f"{settings.embedded}@{_sha256(Path(gguf))[:16]}"
        if offline:
            yield Endpoint("", settings.embedded, identity, "", settings, Tariff(), offline)
            return
        with embedded_server(
            Path(gguf), threads=threads, slots=settings.concurrency, context=settings.context
        ) as (address, key):
            yield Endpoint(f"{address}/v1", settings.embedded, identity, key, settings, Tariff())
    else:
        key = "" if offline else _key_from(settings.api_key_env)
        yield Endpoint(
            settings.base_url,
            settings.model,
            settings.identity or settings.model,
            key,
            settings,
            Tariff.of(settings.price),
            offline,
        )


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
    if not key:
        raise UserError(
            f"the environment variable {variable} is not set, so there is no API key",
            where="config: endpoints, api_key_env",
            remedy=f"export {variable}=<your key> in the shell that starts snakemake",
        )
    return key


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
