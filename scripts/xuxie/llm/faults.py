"""What a failed call means: heal by waiting, give up on this question, or stop the job."""

import json
import re
import time
from email.utils import parsedate_to_datetime

from xuxie.errors import UserError
from xuxie.llm.endpoint import Endpoint

_TRANSIENT_STATUS = {408, 409, 425, 429}
_QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|funds|user_quota)|exceeded your current quota|billing|arrears|欠费|余额不足",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model[_ ]not[_ ]found|model .{0,80}(does not exist|not found|not exist)|unknown model|invalid model",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](length|size|window)|exceed_context|maximum context|too many tokens|input.{0,20}too long",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content[_ ]?(filter|policy|management)|data_inspection|inappropriate content|sensitive|safety",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(
    r"response_format|json_schema|json_object|structured output|grammar|schema", re.IGNORECASE
)


class Transient(Exception):
    """A call failed in a way that another try can heal.

    Args:
        message: what happened.
        throttled: the provider said that we are too fast.
        retry_after: seconds that the provider asked us to wait.
    """

    def __init__(self, message: str, *, throttled: bool = False, retry_after: float | None = None):
        self.throttled, self.retry_after = throttled, retry_after
        super().__init__(message)


class Rejected(Exception):
    """The endpoint will not answer this one question, however often it is asked.

    Args:
        reason: the name of the failure: `too long`, `refused`, or `rejected` where the provider's reason is its own.
        message: the provider's words.
    """

    def __init__(self, reason: str, message: str):
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")


class Unsupported(Exception):
    """The endpoint does not know this way to ask for structured answers."""


def fault_of(
    status: int, body: bytes, headers, endpoint: Endpoint, *, structured: bool
) -> Exception:
    """What an HTTP answer other than 200 means.

    Args:
        status: HTTP status code.
        body: the answer's body, in whatever form the provider chose.
        headers: the answer's headers.
        endpoint: who answered.
        structured: whether the request named a `response_format`.
    """
    message = endpoint.redact(message_of(body) or f"HTTP status {status} without a message")
    if status == 402 or (status in (400, 403, 429) and _QUOTA.search(message)):
        return stop(
            f"the quota of the endpoint is exhausted: {message}",
            endpoint,
            "top up the account, then run again: answers so far are kept",
        )
    if status in (401, 403):
        variable = endpoint.settings.api_key_env
        remedy = (
            f"check the key in {variable}"
            if variable
            else "the endpoint wants a key: name its variable in api_key_env"
        )
        return stop(f"the endpoint refused the key: {message}", endpoint, remedy)
    if status in (400, 404) and _MODEL.search(message):
        return stop(
            f"the endpoint does not know the model {endpoint.model}: {message}",
            endpoint,
            "correct `model` of this endpoint",
        )
    if status in (404, 405):
        return stop(
            f"nothing answers chat completions there: {message}",
            endpoint,
            "correct `base_url`: it usually ends in /v1",
        )
    if status in _TRANSIENT_STATUS or status >= 500:
        return Transient(
            f"HTTP {status}: {message}",
            throttled=status in (429, 529),
            retry_after=retry_after(headers),
        )
    if _TOO_LONG.search(message):
        return Rejected("too long", message)
    if structured and _STRUCTURE.search(message):
        return Unsupported(message)
    return Rejected("refused" if _REFUSED.search(message) else "rejected", message)


def stop(what: str, endpoint: Endpoint, remedy: str) -> UserError:
    """The error that ends a job."""
    return UserError(
        what, where=f"endpoint {endpoint.base_url}, model {endpoint.model}", remedy=remedy
    )


def retry_after(headers) -> float | None:
    """Seconds to wait, from `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110, 10.2.3)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" not in headers:
            return None
        try:
            return max(0.0, float(headers["retry-after"]))
        except ValueError:
            return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def message_of(body: bytes) -> str:
    """The words in an error's body, whether it is OpenAI's form, another JSON or plain text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except ValueError:
        return text[:500]
    error = document.get("error", document) if isinstance(document, dict) else document
    if isinstance(error, dict):
        parts = [
            str(error[name]) for name in ("message", "detail", "code", "type") if error.get(name)
        ]
        return " | ".join(parts)[:1000] or text[:500]
    return str(error)[:1000]
