"""One call to an OpenAI-compatible endpoint: a request goes out, a reply or a fault comes back.

The wire is the `openai` package's, over aiohttp, with its retries off: when to try again is decided where the
questions are. It is asked for the raw response: providers take and send what its types do not foresee, and walking
through them is half of what a call costs (benchmarks/llm_client).
"""

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import aiohttp
import httpx2
import openai

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Transient, fault_of, status_in, stop
from xuxie.llm.reply import UNREADABLE, Reply, is_like_a_reply, read_reply
from xuxie.llm.structured import whole_text

_PATH = "/chat/completions"
_KEPT_ALIVE = 15.0  # seconds that an idle connection is kept
_LIST_WITHIN = 5.0  # seconds for the list of models, which can be done without
_LIST_AT_MOST = 2**24  # bytes of it
_SEEN = 200  # characters that are told of what cannot be read


class Client:
    """The connection pool of one endpoint; to be made and closed inside an event loop. It tries once.

    Attributes:
        api: the package's own client, for what is no chat completion (see `batch_api`).
    """

    def __init__(self, endpoint: Endpoint):
        self.endpoint = endpoint
        most = endpoint.settings.concurrency
        limits = httpx2.Limits(
            max_connections=most, max_keepalive_connections=most, keepalive_expiry=_KEPT_ALIVE
        )
        try:
            self.api = openai.AsyncOpenAI(
                base_url=endpoint.base_url,
                api_key=endpoint.key or "none",
                max_retries=0,
                timeout=endpoint.settings.timeout,
                http_client=openai.DefaultAioHttpClient(
                    verify=_authorities(),
                    limits=limits,
                    follow_redirects=False,
                    trust_env=endpoint.server is None,  # no proxy reaches our loopback, or is to
                ),
            )
        except httpx2.InvalidURL:
            raise self._no_address() from None

    def move_to(self, base_url: str) -> None:
        """Ask at another address from now on."""
        self.api.base_url = base_url

    async def close(self) -> None:
        """Close the pool."""
        await self.api.close()

    async def models(self) -> list[str]:
        """The names of the models that the endpoint lists; none if it does not, or not at once."""
        content = bytearray()
        try:
            async with (
                asyncio.timeout(_LIST_WITHIN),
                self.api.models.with_streaming_response.list() as response,
            ):
                async for part in response.iter_bytes():
                    content += part
                    if len(content) > _LIST_AT_MOST:
                        return []
            listed = json.loads(bytes(content))["data"]
            return [entry["id"] for entry in listed if isinstance(entry["id"], str)]
        except (openai.APIError, httpx2.HTTPError, aiohttp.ClientError, OSError):
            return []
        except UNREADABLE:
            return []

    async def send(self, body: dict) -> Reply:
        """Ask for one chat completion, once.

        Args:
            body: the request's fields, without the model's name.

        Raises:
            Transient: another try may heal it.
            Rejected: the endpoint does not answer this.
            Unsupported: `response_format` is not known there.
            UserError: the job cannot go on.
        """
        seconds = self.endpoint.settings.timeout
        structured = "response_format" in body
        with self.faults(structured):
            async with asyncio.timeout(seconds):  # the package's own holds for each piece of a body
                response = await self.api.post(
                    _PATH, body=self.sendable(body), cast_to=httpx2.Response
                )
                content = response.content
        return self.read(content, structured)

    def sendable(self, body: dict) -> dict:
        """The JSON of a request: with the model's name, without half surrogates, which no JSON can carry."""
        return _whole({"model": self.endpoint.model, **body})

    @contextmanager
    def faults(self, structured: bool = False) -> Iterator[None]:
        """Whatever goes wrong in a request is raised as what it means (see `send`).

        Args:
            structured: whether the request named a `response_format`.
        """
        try:
            yield
        except openai.APIStatusError as error:
            raise fault_of(
                error.status_code,
                error.response.content,
                error.response.headers,
                self.endpoint,
                structured=structured,
            ) from None
        except (
            TimeoutError,
            openai.APIConnectionError,
            httpx2.HTTPError,
            aiohttp.ClientError,
            OSError,
        ) as error:
            raise self._lost(list(_causes(error))) from None

    def read(self, content: bytes, structured: bool) -> Reply:
        """The reply in a chat completion's JSON, which was sent with status 200.

        Raises:
            Transient, Rejected, Unsupported or UserError: it is none.
        """
        try:
            return read_reply(content, self.endpoint.redact)
        except UNREADABLE:
            raise self._no_completion(content, structured) from None

    def _no_completion(self, content: bytes, structured: bool) -> Exception:
        """What a page with status 200 means that is no chat completion; some gateways send errors so."""
        status = status_in(content)
        if status is not None:
            return fault_of(status, content, {}, self.endpoint, structured=structured)
        seen = self.endpoint.redact(content.decode("utf-8", "replace"))[:_SEEN]
        return Transient(
            f"the endpoint sent something that is no chat completion: {seen!r}",
            by_question=True,
            broken=is_like_a_reply(content),
        )

    def _lost(self, causes: list[BaseException]) -> Exception:
        """What a call without an answer means, by the errors from the package's down to the socket's."""
        if _any(causes, httpx2.UnsupportedProtocol, httpx2.InvalidURL, aiohttp.InvalidURL):
            return self._no_address()
        unreachable = _any(causes, aiohttp.ClientConnectorError)
        if not unreachable and _any(causes, TimeoutError):
            seconds = self.endpoint.settings.timeout
            return Transient(f"no answer within {seconds:g} s", by_question=True)
        cause = next(
            (cause for cause in causes if isinstance(cause, aiohttp.ClientError)), causes[-1]
        )
        said = self.endpoint.redact(str(cause)) or type(cause).__name__
        return Transient(
            f"the connection failed: {said}",
            lost=True,
            unreachable=unreachable,
            by_question=not unreachable,
            broken=_any(causes, aiohttp.ClientPayloadError, httpx2.DecodingError),
        )

    def _no_address(self) -> Exception:
        return stop(
            "the endpoint's address is none", self.endpoint, "correct `base_url`: https://host/v1"
        )


@cache
def _authorities() -> ssl.SSLContext:
    """Whom a process trusts to vouch for a server; reading it takes longer than a call to a near one."""
    return httpx2.create_ssl_context()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _any(errors: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(error, kinds) for error in errors)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list) else value
