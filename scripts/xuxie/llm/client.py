"""One call to an OpenAI-compatible endpoint: a request goes out, a reply or a fault comes back."""

import json

import httpx2
import openai

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Transient, fault_of


class Client:
    """The connection pool of one endpoint.

    Retrying is not done here, nor by the library under it: the policy is in `ask`.
    """

    def __init__(self, endpoint: Endpoint):
        self.endpoint = endpoint
        size = endpoint.settings.concurrency
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.key,
            max_retries=0,
            timeout=endpoint.settings.timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                limits=httpx2.Limits(max_connections=size, max_keepalive_connections=size),
                timeout=endpoint.settings.timeout,
            ),
        )

    async def close(self) -> None:
        """Close the pool."""
        await self._openai.close()

    async def send(self, body: dict) -> tuple[dict, list[int]]:
        """Ask for one chat completion.

        Args:
            body: the request, without the model's name.

        Returns:
            The reply (`content`, `finish`, `refusal`, `served` = the model that the endpoint says it is, `request`
            = the provider's id of the call), and its tokens as [input, cached, output].

        Raises:
            Transient: another try may heal it.
            Rejected: this question will never be answered.
            Unsupported: `response_format` is not known there.
            UserError: the job cannot go on.
        """
        try:
            response = await self._openai.chat.completions.with_raw_response.create(model=self.endpoint.model, **body)
            return _reply(response.http_response.content, response.request_id)
        except openai.APIStatusError as error:
            structured = "response_format" in body
            raise fault_of(error.status_code, error.response.content, error.response.headers, self.endpoint, structured=structured) from None
        except openai.APITimeoutError:
            raise Transient(f"no answer within {self.endpoint.settings.timeout:g} s") from None
        except (openai.APIConnectionError, openai.APIError, httpx2.HTTPError) as error:
            raise Transient(f"the connection failed: {self.endpoint.redact(str(error.__cause__ or error))}") from None


def _reply(content: bytes, request_id: str | None) -> tuple[dict, list[int]]:
    try:
        document = json.loads(content)
        choice = document["choices"][0]
        message = choice["message"]
        usage = document.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
        reply = {
            "content": message.get("content"),
            "finish": choice.get("finish_reason"),
            "refusal": message.get("refusal"),
            "served": document.get("model"),
            "request": request_id or document.get("id"),
        }
        return reply, [usage.get("prompt_tokens") or 0, cached, usage.get("completion_tokens") or 0]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Transient(f"the endpoint sent something that is no chat completion: {content[:200]!r}") from None


