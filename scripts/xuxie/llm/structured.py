"""Structured answers: how a schema is asked for, and how an answer is read; each way to be unusable has a name."""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import json_repair
import pydantic

Value = TypeVar("Value", bound=pydantic.BaseModel)

MODES = ("schema", "json", "text")  # from the strictest to the one that any endpoint can do

_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


class Unusable(Exception):
    """An answer that cannot be used.

    Args:
        reason: the name of the failure: `length`, `refused`, `empty`, `malformed`, `off schema`, or what the question's own check says.
        detail: what exactly was wrong, in words that the model understands too.
    """

    def __init__(self, reason: str, detail: str):
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


def response_format(schema: type[pydantic.BaseModel], mode: str) -> dict | None:
    """The `response_format` of a request in one of the MODES."""
    if mode == "schema":
        return {
            "type": "json_schema",
            "json_schema": {
                "name": schema.__name__,
                "strict": True,
                "schema": strict_schema(schema),
            },
        }
    return {"type": "json_object"} if mode == "json" else None


def described(messages: list[dict], schema: type[pydantic.BaseModel], mode: str) -> list[dict]:
    """The messages, with the form of the answer said in words at the end where the endpoint does not enforce it."""
    if mode == "schema":
        return messages
    form = json.dumps(strict_schema(schema), ensure_ascii=False, separators=(",", ":"))
    last = messages[-1]
    return [
        *messages[:-1],
        {
            **last,
            "content": f"{last['content']}\n\nAnswer with one JSON object and nothing else. Its JSON schema: {form}",
        },
    ]


@cache  # thousands of questions share a schema
def strict_schema(schema: type[pydantic.BaseModel]) -> dict:
    """The JSON schema of a pydantic model as strict endpoints want it: every property required, no others allowed, no titles."""

    def tighten(node):
        if isinstance(node, list):
            return [tighten(value) for value in node]
        if not isinstance(node, dict):
            return node
        tight = {
            # below these two, names are the user's, not keywords
            keyword: {name: tighten(value) for name, value in node[keyword].items()}
            if keyword in ("properties", "$defs")
            else tighten(node[keyword])
            for keyword in node
            if keyword not in ("title", "default")
        }
        if "properties" in tight:
            tight |= {"additionalProperties": False, "required": list(tight["properties"])}
        return tight

    return tighten(schema.model_json_schema())


def read_answer(reply: dict, schema: type[Value]) -> Value:
    """The value that a reply holds.

    Args:
        reply: `content`, `finish` and `refusal` of a chat completion, or `error` where the endpoint refused this very question.
        schema: what the value must be.

    Raises:
        Unusable: with the failure's name.
    """
    if "error" in reply:
        raise Unusable(reply["error"]["reason"], reply["error"]["message"])
    if reply["refusal"] or reply["finish"] == "content_filter":
        raise Unusable(
            "refused", reply["refusal"] or "the provider's content filter stopped the answer"
        )
    if reply["finish"] == "length":
        raise Unusable("length", "the answer was cut off at the limit of tokens")
    text = _THOUGHT.sub("", reply["content"] or "").strip()
    if not text:
        raise Unusable("empty", "the answer was empty")
    value = _parse(text)
    if not isinstance(value, dict):
        raise Unusable("malformed", "the answer was not a JSON object")
    try:
        return schema.model_validate(value)
    except pydantic.ValidationError as error:
        raise Unusable(
            "off schema",
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5]),
        ) from error


def check_value(value: Value, check: Callable[[Value], None] | None) -> None:
    """Let a question's own check have its say.

    Raises:
        Unusable: the check raised ValueError("<name of the failure>: <detail>").
    """
    if check is None:
        return
    try:
        check(value)
    except ValueError as error:
        raise Unusable(str(error).split(":", 1)[0], str(error)) from error


def _parse(text: str):
    try:
        return json.loads(text)
    except ValueError:
        fenced = _FENCE.search(text)
        return json_repair.loads(fenced[1] if fenced else text[max(text.find("{"), 0) :])
