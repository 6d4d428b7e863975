import json

import pydantic
import pytest
from llm_case import Echo
from xuxie.llm.structured import (
    MODES,
    Unusable,
    described,
    read_answer,
    response_format,
    strict_schema,
)


class Inner(pydantic.BaseModel):
    default: int = 3
    title: str | None = None


class Outer(pydantic.BaseModel):
    title: str = pydantic.Field(max_length=5)
    properties: list[Inner]


def reply(content, finish="stop", refusal=None):
    return {"content": content, "finish": finish, "refusal": refusal}


@pytest.mark.parametrize(
    "content",
    [
        '{"text": "好", "length": 1}',
        '  {"text": "好", "length": 1}\n',
        'Here you are:\n```json\n{"text": "好", "length": 1}\n```\nDone.',
        '<think>{"text": "no"}</think>{"text": "好", "length": 1}',
        "Sure! {'text': '好', 'length': 1,}",
        '{"text": "好", "length": 1',
    ],
)
def test_an_answer_is_found_in_what_models_put_around_it(content):
    assert read_answer(reply(content), Echo).parts == {"text": "好", "length": 1}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (reply("A story about the weather."), "malformed"),
        (reply("[1, 2]"), "malformed"),
        (reply('{"text": 1}'), "off schema"),
        (reply('{"text": "cut', "length"), "length"),
        (reply(""), "empty"),
        (reply(None), "empty"),
        (reply("<think>hm</think>"), "empty"),
        (reply(None, refusal="I will not."), "refused"),
        (reply('{"text": "好", "length"', "content_filter"), "refused"),
        ({"error": {"reason": "too long", "message": "9 > 8"}}, "too long"),
    ],
)
def test_each_way_to_fail_has_its_name(raw, reason):
    with pytest.raises(Unusable) as caught:
        raise read_answer(raw, Echo).fault()
    assert caught.value.reason == reason


def test_brackets_without_end_are_not_mended_for_minutes(monkeypatch):
    tried = []
    monkeypatch.setattr("json_repair.loads", lambda text: tried.append(text) or {})
    with pytest.raises(Unusable, match="not a JSON object"):
        read_answer(reply("{" * 50_000), Echo)
    assert not tried
    with pytest.raises(Unusable):
        read_answer(reply('{"text": "好'), Echo)
    assert tried


def test_a_check_names_its_own_failure():
    def check(value):
        raise ValueError("span out of range: sentence 12 of 9")

    fault = read_answer(reply('{"text": "", "length": 0}'), Echo, check).fault()
    assert (fault.reason, fault.detail) == (
        "span out of range",
        "span out of range: sentence 12 of 9",
    )


def test_the_strict_schema_requires_all_and_keeps_names_that_look_like_keywords():
    schema = strict_schema(Outer)
    inner = schema["$defs"]["Inner"]
    assert schema["required"] == ["title", "properties"] and inner["required"] == [
        "default",
        "title",
    ]
    assert schema["additionalProperties"] is inner["additionalProperties"] is False
    assert schema["properties"]["title"] == {"maxLength": 5, "type": "string"}
    assert inner["properties"]["default"] == {"type": "integer"}


def test_only_where_the_endpoint_does_not_enforce_the_form_is_it_put_in_words():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    formats = {mode: (response_format(Echo, mode) or {}).get("type") for mode in MODES}
    assert formats == {"schema": "json_schema", "json": "json_object", "text": None}
    assert described(messages, Echo, "schema") == messages
    for mode in ("json", "text"):
        first, last = described(messages, Echo, mode)
        assert first == messages[0] and last["content"].startswith("u\n")
        assert json.dumps(strict_schema(Echo), separators=(",", ":")) in last["content"]
