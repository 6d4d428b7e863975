"""What an endpoint sends for a chat completion, read as far as it can be: by then it is paid for."""

import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xuxie.llm.structured import thought, whole_text
from xuxie.llm.usage import token_count

#: What a document of another shape than the one that is looked for may raise.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

#: What some gateways put a completion into, and how deep it lies at most.
_ENVELOPES = ("data", "result", "output", "response", "body")
_WRAPPINGS = 3

#: Of a stream. What else `splitlines` takes for one may stand within a JSON string.
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Answer:
    """A raw answer, as the journal keeps it.

    Attributes:
        content: its text; where there is none, the model's thoughts, marked as such.
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
    """A raw answer and its input, cached and output tokens (None where the endpoint does not count them)."""

    answer: Answer
    input: int | None
    cached: int
    output: int | None


def read_reply(body: bytes, redact: Callable[[str], str]) -> Reply:
    """The answer in a body.

    Args:
        redact: takes the key out of a text.

    Raises:
        one of UNREADABLE: there is none in it.
    """
    document = _unwrapped(document_in(body))
    choices = document["choices"]
    choice = choices if isinstance(choices, dict) else choices[0]
    message = _message(choice)

    def text(value: Any) -> str | None:
        """Text as it may be kept: parts joined, half surrogates replaced, the key taken out."""
        value = _parts_joined(value)
        return value and redact(whole_text(value))

    content = text(message.get("content"))
    answer = Answer(
        content=content or text(_elsewhere(message)) or content,
        finish=text(choice.get("finish_reason")),
        refusal=text(message.get("refusal")),
        served=text(document.get("model")),
        call=text(document.get("id")),
    )
    return Reply(answer, *_tokens(document.get("usage")))


def is_like_a_reply(body: bytes) -> bool:
    """Whether a body that no answer can be read from is likely paid for all the same."""
    try:
        document = _unwrapped(document_in(body))
    except UNREADABLE:
        return body.lstrip().startswith(b"data:")
    return isinstance(document, dict) and bool({"choices", "usage"} & document.keys())


def _unwrapped(document: Any) -> Any:
    """A completion without what some gateways put around it: quotes, a list, an envelope."""
    for _ in range(_WRAPPINGS):
        if isinstance(document, str):
            document = json.loads(document, strict=False)
        elif isinstance(document, list) and len(document) == 1:
            [document] = document
        elif isinstance(document, dict) and "choices" not in document:
            document = next((document[name] for name in _ENVELOPES if document.get(name)), document)
    return document


def _message(choice: dict) -> dict:
    """The message of a choice, also where it has its form from a stream, or is but its text."""
    for name in ("message", "delta", "text"):
        if name in choice:
            message = choice[name]
            return message if isinstance(message, dict) else {"content": message}
    if choice.get("finish_reason"):
        return {}  # Gemini's, where its filter left nothing
    raise LookupError("message")


def _parts_joined(value: Any) -> str | None:
    """A text that may have come in parts."""
    if isinstance(value, list):
        return "".join(
            str(part.get("text") or "") if isinstance(part, dict) else str(part) for part in value
        )
    return value if value is None or isinstance(value, str) else str(value)


def document_in(body: bytes) -> Any:
    """The JSON of a body, whatever stands around it: signs of life before it, odds and ends behind it, or a stream's events.

    Raises:
        ValueError or RecursionError: there is none.
    """
    text = _decoded(body).lstrip("\ufeff \t\r\n")
    if text.startswith(("data:", "event:")):
        return _joined(text)
    while text.startswith(":"):  # a comment, as in a stream
        text = text.partition("\n")[2].lstrip()
    document, _ = json.JSONDecoder(strict=False).raw_decode(text)
    return document


def _decoded(body: bytes) -> str:
    """A body's text; a broken character in it spoils no more than itself."""
    if body.startswith(b"\x1f\x8b"):  # packed, and the headers do not say so
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError("packed, but broken") from error
    return body.decode(json.detect_encoding(body), "replace")


def _joined(events: str) -> dict:
    """The completion that a stream's events add up to; some gateways stream unasked."""
    whole: dict = {}
    message: dict[str, str] = {}
    finish, ended = None, False
    for line in _LINE_END.split(events):
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            ended = True
        elif line.startswith("data:"):
            event = json.loads(data)
            whole |= {name: value for name, value in event.items() if value is not None}
            for choice in event.get("choices") or []:
                for name in ("content", "reasoning_content", "reasoning"):
                    piece = _parts_joined(_message(choice).get(name))
                    message[name] = message.get(name, "") + (piece or "")
                finish = choice.get("finish_reason") or finish
    if not message:
        return whole
    if not (finish or ended):  # cut off: its last piece is no answer
        return {**whole, "choices": []}
    return {**whole, "choices": [{"message": message, "finish_reason": finish}]}


def _elsewhere(message: dict) -> str | None:
    """What a message without content holds: the arguments of a function that nobody offered, or thoughts."""
    for call in message.get("tool_calls") or []:
        if arguments := call.get("function", {}).get("arguments"):
            return arguments if isinstance(arguments, str) else json.dumps(arguments)
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    return thought(thoughts) if isinstance(thoughts, str) else None


def _tokens(usage: Any) -> tuple[int | None, int, int | None]:
    """Input, cached and output tokens, as far as they can be read. No call takes no input."""
    if not isinstance(usage, dict):
        return None, 0, None
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    # OpenAI's name for tokens read from the prefix cache, and DeepSeek's
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")
    input = token_count(usage.get("prompt_tokens")) or None
    output = token_count(usage.get("completion_tokens")) if input else None
    total = token_count(usage.get("total_tokens"))
    if input and output is not None and total is not None:
        output = max(output, total - input)  # xAI counts thoughts there alone
    return input, min(token_count(cached) or 0, input or 0), output
