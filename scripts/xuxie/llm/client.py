"""One call to an OpenAI-compatible endpoint: a request goes out, a reply or a fault comes back.

The wire is aiohttp's, not the `openai` library's: the one endpoint and the one method needed here do not pay for a
client whose cost per call (measured in benchmarks/llm_client) keeps a core busy below 256 calls in flight.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Transient, fault_of, stop


@dataclass(frozen=True)
class Answer:
    """A raw answer, as the journal keeps it.

    Attributes:
        content: its text.
        finish: why it ended (`stop`, `length`, `content_filter`, ...).
        refusal: the model's refusal, where the provider reports one apart.
        served: the model that the endpoint says it is.
        call: the provider's id of the call.
    """

    content: str | None
    finish: str | None
    refusal: str | None
    served: str | None
    call: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A raw answer and its input, cached and output tokens (None where the endpoint does not count)."""

    answer: Answer
    tokens: tuple[int, int, int] | None


class Client:
    """The connection pool of one endpoint; to be made and closed inside an event loop.

    It tries once: when to try again is decided where the questions are (see `ask`).
    """

    def __init__(self, endpoint: Endpoint):
        self.endpoint = endpoint
        self._url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # `limits` bounds it
            timeout=aiohttp.ClientTimeout(total=endpoint.settings.timeout),
            headers={"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"},
            proxy=_proxy(self._url),
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()

    async def send(self, body: dict) -> Reply:
        """Ask for one chat completion, once.

        Args:
            body: the request's fields, without the model's name.

        Raises:
            Transient: another try may heal it.
            Rejected: this question will never be answered.
            Unsupported: `response_format` is not known there.
            UserError: the job cannot go on.
        """
        data = json.dumps({"model": self.endpoint.model, **body}, ensure_ascii=False).encode(
            "utf-8", "replace"
        )
        try:
            async with self._session.post(self._url, data=data, allow_redirects=False) as response:
                content = await response.read()
        except TimeoutError:
            raise Transient(f"no answer within {self.endpoint.settings.timeout:g} s") from None
        except aiohttp.InvalidURL:
            raise stop(
                "the endpoint's address is none",
                self.endpoint,
                "correct `base_url`: https://host/v1",
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(
                f"the connection failed: {self.endpoint.redact(str(error)) or type(error).__name__}"
            ) from None
        if response.status != 200:
            raise fault_of(
                response.status,
                content,
                response.headers,
                self.endpoint,
                structured="response_format" in body,
            )
        return _reply(content)


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for an address. (aiohttp's own `trust_env` also reads ~/.netrc, at every call.)"""
    address = urlsplit(url)
    return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)


def _reply(content: bytes) -> Reply:
    try:
        document = json.loads(content)
        choice = document["choices"][0]
        message = choice["message"]
        answer = Answer(
            content=message.get("content"),
            finish=choice.get("finish_reason"),
            refusal=message.get("refusal"),
            served=document.get("model"),
            call=document.get("id"),
        )
        return Reply(answer, _tokens(document.get("usage")))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Transient(
            f"the endpoint sent something that is no chat completion: {content[:200]!r}"
        ) from None


def _tokens(usage: dict | None) -> tuple[int, int, int] | None:
    if not usage or usage.get("prompt_tokens") is None:
        return None
    # OpenAI's name for tokens read from the prefix cache, and DeepSeek's
    cached = (
        (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
        or usage.get("prompt_cache_hit_tokens")
        or 0
    )
    return usage["prompt_tokens"], cached, usage.get("completion_tokens") or 0
