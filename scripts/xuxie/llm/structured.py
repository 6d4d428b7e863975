"""Structured answers: how a schema is asked for, and how an answer is read; each way to be unusable has a name.

Where the fields of an answer do not depend on each other, such as one pair each, it is read in parts: what can be used
is kept, whatever becomes of the others.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pydantic

from xuxie.llm.json_in_text import object_in

MODES = ("schema", "json", "text")  # from the strictest to the one that any endpoint can do

Check = Callable[[pydantic.BaseModel], object]
"""Raises ValueError("<name of the failure>: <detail>") for an answer that fits the schema and cannot be used."""

_THOUGHT = re.compile(r"\A.*</think>", re.DOTALL)
#: Reasons to end, of OpenAI, Anthropic, Gemini, Mistral, Zhipu.
_CUT_OFF = {"length", "max_tokens", "model_length", "max_output_tokens"}
_FILTERED = {"content_filter", "sensitive", "safety", "recitation"}
_FILTERED |= {"prohibited_content", "blocklist", "spii"}
_BROKEN_OFF = {"network_error", "error", "insufficient_system_resource"}
_TOLD = 12  # violations that a model is told of at once


class Unusable(Exception):
    """An answer that cannot be used.

    Args:
        reason: the name of the failure: `length`, `refused`, `empty`, `malformed`, `off schema`, or what the question's own check says.
        detail: what exactly was wrong, in words that the model understands too.
    """

    def __init__(self, reason: str, detail: str):
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True)
class Reading:
    """What an answer holds.

    Attributes:
        parts: the fields that can be used.
        faults: what is wrong with the others, by field: "<name of the failure>: <detail>".
    """

    parts: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)

    def fault(self) -> Unusable:
        """All that is wrong, under the name of the first."""
        said = list(self.faults.values())
        return Unusable(said[0].split(":", 1)[0], "; ".join(said[:_TOLD]))


def response_format(schema: type[pydantic.BaseModel], mode: str) -> dict | None:
    """What asks the endpoint for a schema, None if only words can."""
    if mode == "schema":
        name = re.sub(r"[^a-zA-Z0-9_-]", "-", schema.__name__)[:64]
        return {
            "type": "json_schema",
            "json_schema": {"name": name, "strict": True, "schema": strict_schema(schema)},
        }
    return {"type": "json_object"} if mode == "json" else None


def described(messages: list[dict], schema: type[pydantic.BaseModel], mode: str) -> list[dict]:
    """The messages, with the form of the answer said in words at the end where the endpoint does not enforce it."""
    if mode == "schema":
        return messages
    last = messages[-1]
    return [*messages[:-1], {**last, "content": f"{last['content']}\n\n{form_in_words(schema)}"}]


def form_in_words(schema: type[pydantic.BaseModel]) -> str:
    """Asks for an answer on a schema."""
    form = json.dumps(strict_schema(schema), ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON object and nothing else. Its JSON schema: {form}"


@lru_cache(1024)  # thousands of questions share a schema
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


@lru_cache(1024)
def part_of(schema: type[pydantic.BaseModel], names: tuple[str, ...]) -> type[pydantic.BaseModel]:
    """The same schema with some of its fields only."""
    if len(names) == len(schema.model_fields):
        return schema
    fields = {name: schema.model_fields[name] for name in names}
    definitions: dict[str, Any] = {
        name: (field.annotation, field) for name, field in fields.items()
    }
    return pydantic.create_model(schema.__name__, __config__=schema.model_config, **definitions)


def read_answer(
    reply: dict,
    schema: type[pydantic.BaseModel],
    check: Check | None = None,
    *,
    in_parts: bool = False,
) -> Reading:
    """What a reply holds.

    Small slips are mended: a field that nobody asked for is left out, a text that is too long is cut, and a number
    that should be whole takes the nearest one.

    Args:
        reply: `content`, `finish` and `refusal` of a chat completion, or `error` where the endpoint did not answer.
        schema: what was asked for.
        check: the question's own; in parts, called with answers that have one field each.
        in_parts: the fields do not depend on each other.

    Raises:
        Unusable: it holds nothing of it, with the failure's name.
    """
    text = text_of(reply)
    if _ended(reply) in _CUT_OFF and not _is_whole(text):
        raise Unusable("length", "the answer was cut off at the limit of tokens")
    # Some servers take the answer of a model that did not think for its thoughts.
    value = object_in(text or reply.get("content") or "", set(schema.model_fields))
    if value is None and not text:
        raise Unusable("empty", "the answer was empty")
    if value is None:
        raise Unusable("malformed", "the answer was not a JSON object")
    form = strict_schema(schema)
    value = _fit(value, form, form)
    if not in_parts:
        return _read("answer", value, schema, check)
    readings = [_read(name, value, part_of(schema, (name,)), check) for name in schema.model_fields]
    return Reading(
        {name: part for reading in readings for name, part in reading.parts.items()},
        {name: fault for reading in readings for name, fault in reading.faults.items()},
    )


def text_of(reply: dict) -> str:
    """The text of a reply without a model's thoughts before it.

    Raises:
        Unusable: the model or its provider refused, or the endpoint did not answer.
    """
    if "error" in reply:
        raise Unusable(str(reply["error"].get("reason")), str(reply["error"].get("message")))
    if reply.get("refusal"):
        raise Unusable("refused", reply["refusal"])
    if _ended(reply) in _FILTERED and not _is_whole(_said_in(reply)):
        raise Unusable("refused", "the provider's content filter stopped the answer")
    return _said_in(reply)


def is_broken_off(reply: dict) -> bool:
    """Whether the provider could not finish an answer: nothing is wrong with the question."""
    return _ended(reply) in _BROKEN_OFF and not _is_whole(_said_in(reply))


def thought(text: str) -> str:
    """Text that is marked as a model's thoughts."""
    return f"<think>{text}</think>"


def _said_in(reply: dict) -> str:
    """A reply's text without thoughts."""
    content = reply.get("content")
    return _THOUGHT.sub("", content).strip() if isinstance(content, str) else ""


def _ended(reply: dict) -> str:
    """Why an answer ended, in the one spelling for it that providers share; Gemini's may go on: "content_filter: RECITATION"."""
    return str(reply.get("finish") or "").lower().partition(":")[0].strip()


def _read(name: str, value: dict, schema: type[pydantic.BaseModel], check: Check | None) -> Reading:
    """All fields of a schema or, under a name for what is wrong with them, none."""
    try:
        found = schema.model_validate(
            {key: value[key] for key in schema.model_fields if key in value}
        )
        if check is not None:
            check(found)
    except pydantic.ValidationError as error:  # a ValueError, too
        return Reading({}, {name: f"off schema: {_said(error)}"})
    except ValueError as error:
        return Reading({}, {name: str(error)})
    return Reading({key: getattr(found, key) for key in schema.model_fields})


def _said(error: pydantic.ValidationError) -> str:
    """Every violation, with what would have been allowed."""
    seen = {f"{'.'.join(map(str, e['loc']))}: {e['msg']}": None for e in error.errors()}
    return "; ".join(list(seen)[:_TOLD])


def _is_whole(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _fit(value: Any, node: dict, form: dict) -> Any:
    """A value with the small slips mended that a JSON schema tells."""
    if isinstance(value, dict):
        properties: dict[str, dict] = {}
        for variant in _variants(node, form):
            for name, below in variant["properties"].items():
                properties.setdefault(name, below)
        if not properties:
            return value
        return {
            name: _fit(value[name], properties[name], form) for name in properties if name in value
        }
    node = _resolved(node, form)
    if isinstance(value, list):
        return [_fit(item, node.get("items", {}), form) for item in value]
    if isinstance(value, str):
        return whole_text(value)[: node.get("maxLength")]
    if isinstance(value, float) and node.get("type") == "integer" and math.isfinite(value):
        return round(value)
    return value


def _variants(node: dict, form: dict) -> list[dict]:
    """The objects that a schema's node allows."""
    node = _resolved(node, form)
    found = [_resolved(variant, form) for variant in node.get("anyOf", [node])]
    return [variant for variant in found if "properties" in variant]


def whole_text(text: str) -> str:
    """A text without half surrogates, which no file and no request can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _resolved(node: dict, form: dict) -> dict:
    if "$ref" in node:
        return form["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return node
