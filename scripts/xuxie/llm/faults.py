"""What a failed call means: heal by waiting, give up on this question, or stop the job.

Providers agree on little more than the status codes, so the words of their messages are looked at too. A message
that nothing here knows is no verdict on the question: see `health`.
"""

import json
import math
import re
import time
from email.utils import parsedate_to_datetime

from xuxie.errors import UserError
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.reply import UNREADABLE, document_in
from xuxie.llm.structured import whole_text
from xuxie.llm.usage import token_count

_EMPTY_ACCOUNT = re.compile(
    r"insufficient[_ ](quota|balance|funds|user_quota|credit)|balance is (insufficient|too low)|"
    r"exceeded your current quota|more credits|free (tier|trial)[^.]{0,60}exhausted|"
    r"exhausted[^.]{0,40}free (tier|trial)|set inference limit|billing|arrear|overdue|"
    r"欠费|余额不足|账户余额",
    re.IGNORECASE,
)
_PER_TIME = re.compile(
    r"rate[-_ ]?limit|per[_ -]?(min|minute|second|sec|hour)\b|\b(rpm|tpm|qps)\b|too many requests|"
    r"速率限制|请求频率",
    re.IGNORECASE,
)
_OVERLOADED = re.compile(
    r"overload|over capacity|capacity exceeded|(server|system) is (too )?busy|try again later|temporarily|"
    r"过载|繁忙|访问量过大|稍后再?试",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model[_ ]not[_ ]found|model .{0,80}(does not exist|not found|not exist)|unknown model|invalid model",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context[_ ](length|size|window)|exceed_context|maximum context|too many tokens|"
    r"(input|prompt|question).{0,20}too[_ ]long|input length should be|"
    r"max length of current question|request (entity )?too large|reduce the length",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"content[_ ]?(filter|policy|management)|data_inspection|inappropriate content|sensitive|safety|"
    r"content exists risk|content violates|considered high risk|censorship|unsafe (content|input|prompt)|"
    r"(content|input|prompt|output) (is|was|considered|may be) unsafe|moderation|flagged|\b1301\b|不安全或敏感|敏感内容|违规",
    re.IGNORECASE,
)
_KEY = re.compile(r"api[_ ]?key not valid|(invalid|incorrect)[_ ]api[_ ]?key", re.IGNORECASE)
_SLIP = re.compile(r"json_validate_failed|failed to validate json", re.IGNORECASE)
_STRUCTURE = re.compile(
    r"response_format|json_schema|json_object|json[ _-]?mode|structured output|grammar|schema",
    re.IGNORECASE,
)
_UNIT = r"(ms|milliseconds?|h|hours?|m|min|minutes?|s|sec|seconds?|秒|分钟|小时)"
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)\s*{_UNIT}(?![a-z])", re.IGNORECASE)
#: The number of a request, which may stand there as well, is longer than any wait and goes on in letters.
_WAIT_IN_WORDS = re.compile(
    rf"(?:retry|try again|wait|retryDelay|重试|等待)[^\d]{{0,20}}"
    rf"((?:\d{{1,6}}(?:\.\d+)?\s*{_UNIT}\s*)+)(?![A-Za-z0-9])|"
    r"(?<![\d.])(\d{1,6}(?:\.\d+)?\s*(?:秒|分钟))[之以]?后",
    re.IGNORECASE,
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "小": 3600.0, "分": 60.0, "秒": 1.0}

_OVERLOADED_STATUS = {429, 503, 529}
_TRANSIENT_STATUS = {408, 409, 425}


class Transient(Exception):
    """A call failed in a way that another try can heal.

    Args:
        message: what happened.
        throttled: the provider said that we are too fast.
        retry_after: seconds that the provider asked us to wait.
        lost: the connection broke off, or could not be made.
        unreachable: nobody was there to be asked.
        by_question: the question itself may be the cause, as with a passage that crashes the server.
        broken: there was an answer that may be paid for, and it cannot be read.
    """

    def __init__(
        self,
        message: str,
        *,
        throttled: bool = False,
        retry_after: float | None = None,
        lost: bool = False,
        unreachable: bool = False,
        by_question: bool = False,
        broken: bool = False,
    ):
        self.throttled, self.retry_after = throttled, retry_after
        self.lost, self.unreachable, self.by_question = lost, unreachable, by_question
        self.broken = broken
        super().__init__(message)


class Rejected(Exception):
    """The endpoint does not answer this request.

    Args:
        reason: the name of the failure: `too long` and `refused` are verdicts on the question, `rejected` is one in
            words that are not known, and `no answer` a fault that returned at every try.
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
    wait = retry_after(headers, message)
    if status == 402 or (status in (400, 403, 429) and _is_empty_account(message, wait)):
        return stop(
            f"the quota of the endpoint is exhausted: {message}",
            endpoint,
            "top up the account, then run again: answers so far are kept",
        )
    if status in (400, 403, 451) and _REFUSED.search(message):
        return Rejected("refused", message)
    if status in (401, 403) or (status == 400 and _KEY.search(message)):
        variable = endpoint.settings.api_key_env
        remedy = (
            f"check the key in {variable}, and what its account may use"
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
    if 300 <= status < 400 or status in (404, 405):
        return stop(
            f"nothing answers chat completions there: {message}",
            endpoint,
            "correct `base_url`: it usually ends in /v1",
        )
    if status in (413, 429) and _TOO_LONG.search(message):  # more than a minute's tokens at once
        return Rejected("too long", message)
    throttled = status in (429, 529)
    if throttled or status in _OVERLOADED_STATUS:
        return Transient(f"HTTP {status}: {message}", throttled=throttled, retry_after=wait)
    if status in _TRANSIENT_STATUS or status >= 500 or _SLIP.search(message):
        return Transient(f"HTTP {status}: {message}", retry_after=wait, by_question=True)
    if _TOO_LONG.search(message):
        return Rejected("too long", message)
    if structured and _STRUCTURE.search(message):
        return Unsupported(message)
    if _OVERLOADED.search(message):
        return Transient(f"HTTP {status}: {message}", retry_after=wait)
    return Rejected("refused" if _REFUSED.search(message) else "rejected", message)


def status_in(body: bytes) -> int | None:
    """The HTTP status that a page with status 200 should have had, by the code or the words of the error in it.

    None if it holds no error that is known.
    """
    try:
        document = document_in(body)
    except UNREADABLE:
        return None
    error = document.get("error") if isinstance(document, dict) else None
    for place in (error, document):
        code = token_count(place.get("code")) if isinstance(place, dict) else None
        if code is not None and 400 <= code < 600:
            return code
    if not isinstance(document, dict) or document.get("choices"):
        return None
    message = message_of(json.dumps(document).encode())
    if _is_empty_account(message, None) or _REFUSED.search(message):
        return 400
    return 429 if _PER_TIME.search(message) else 503 if _OVERLOADED.search(message) else None


def _is_empty_account(message: str, wait: float | None) -> bool:
    """Whether a refusal is for want of money. Limits per minute use the same words, but say when to come back."""
    return bool(_EMPTY_ACCOUNT.search(message) and wait is None and not _PER_TIME.search(message))


def stop(what: str, endpoint: Endpoint, remedy: str) -> UserError:
    """The error that ends a job."""
    return UserError(
        what, where=f"endpoint {endpoint.base_url}, model {endpoint.model}", remedy=remedy
    )


def retry_after(headers, message: str = "") -> float | None:
    """Seconds to wait, as a provider asks for them; None if it doesn't say, or says 0.

    Read from `retry-after-ms`, or `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or else from the
    message ("retry in 33.8s", "try again in 1m26s", "30秒后重试"), or from when what is used up comes back
    (`x-ratelimit-reset-requests: 1m30s`).
    """
    wait = _wait_in_headers(headers) or _wait_in_words(message) or _reset(headers)
    return wait if wait and math.isfinite(wait) else None


def _wait_in_headers(headers) -> float | None:
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" not in headers:
            return None
        try:
            return max(0.0, float(headers["retry-after"]))
        except ValueError:
            return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _reset(headers) -> float:
    """Seconds until there are requests and tokens again, of which none are left."""
    return max(
        _seconds(headers.get(f"x-ratelimit-reset-{kind}", ""))
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
        else 0.0
        for kind in ("requests", "tokens")
    )


def _wait_in_words(message: str) -> float | None:
    found = _WAIT_IN_WORDS.search(message)
    if found is None:
        return None
    return _seconds(found[1] or found[3])


def _seconds(duration: str) -> float:
    """The seconds of "1m26.5s" or "30秒"."""
    return sum(float(number) * _seconds_of(unit) for number, unit in _DURATION.findall(duration))


def _seconds_of(unit: str) -> float:
    unit = unit.lower()
    return 1e-3 if unit.startswith(("ms", "mil")) else _SECONDS[unit[0]]


def message_of(body: bytes) -> str:
    """The words in an error's body, whether it is OpenAI's form, another JSON, an event of a stream or plain text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = document_in(body)
    except UNREADABLE:
        return text[:500]
    if isinstance(document, list) and document:  # Gemini's
        document = document[0]
    if isinstance(document, int | float):  # the beginning of plain text
        return text[:500]
    error = document
    if isinstance(document, dict):
        error = document.get("error") or document.get("base_resp") or document  # MiniMax's
    if isinstance(error, dict):
        names = (
            *("message", "msg", "error_msg", "status_msg", "detail", "details"),
            *("code", "error_code", "status_code", "type", "param", "metadata"),
        )
        parts = [_text(error[name]) for name in names if error.get(name)]
        return _text(" | ".join(parts))[:2000] or text[:500]
    return _text(error)[:2000]


def _text(value: object) -> str:
    """A value of an error's body on one line, without half surrogates."""
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return whole_text(words)
