"""Before the first question is paid for, the endpoint is asked whether it has such a model."""

import contextlib
import json

import pytest
from fault_server import FaultServer
from llm_case import ask, questions, values, written_under
from xuxie.errors import UserError
from xuxie.llm import Endpoint, ask_all, client
from xuxie.llm.endpoint import EndpointSettings
from xuxie.llm.tariff import Tariff

ANSWERS = ["question 0", "question 1", "question 2"]


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("echo", ("other", "echo")),
        ("echo", ("models/echo",)),
        ("models/echo", ("echo",)),
        ("echo", ("echo:latest",)),
        ("lab/echo:nitro", ("lab/echo",)),
    ],
)
def test_a_listed_model_is_asked_after_one_look(journal, model, listed):
    with FaultServer(models=listed) as server:
        assert values(ask(server, questions(3), journal, model=model)) == ANSWERS
        assert server.models_asked == 1


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("deepseek-chat", ("deepseek-flash", "qwen-max", "glm-air", "kimi", "deepseek-v4-pro")),
        ("qwen3:8b", ("qwen3:latest",)),
    ],
)
def test_an_unlisted_model_is_refused_before_any_question_with_the_near_ones_named(
    journal, model, listed
):
    with FaultServer(models=listed) as server:
        with pytest.raises(UserError) as refusal:
            ask(server, questions(3), journal, model=model)
        assert not server.bodies
        assert f"nearest are {listed[0]}" in str(refusal.value)
        assert model in str(refusal.value) and "check_model" in str(refusal.value)
        again = ask(server, questions(3), journal, model=model, check_model=False)
        assert values(again) == ANSWERS


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"[]",
        b"<html>",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": ["other"]}',
        b'{"data": [{"id": 5}, {"id": null}]}',
        b"[" * 100_000,
        b'{"data": [{"id": "other"}' + b" " * 2**24 + b"]}",
    ],
    ids=lambda body: "404" if body is None else body[:30].decode(),
)
def test_what_is_no_list_of_models_changes_nothing(journal, body):
    with FaultServer(models=body) as server:
        assert values(ask(server, questions(3), journal)) == ANSWERS
        assert server.models_asked == 1


def test_a_list_that_does_not_come_at_once_is_done_without(journal, monkeypatch):
    monkeypatch.setattr(client, "_LIST_WITHIN", 0.2)
    with FaultServer(models=("other",), models_after=60) as server:
        assert values(ask(server, questions(3), journal)) == ANSWERS


def test_a_name_that_a_server_lists_is_shown_without_key_and_control_characters(
    journal, monkeypatch
):
    monkeypatch.setenv("THE_KEY", "sk-very-secret")
    names = ["sk-very-\x1bsecret", "echo\x1b[2J\n\ud800", "e" * 5000]
    body = json.dumps({"data": [{"id": name} for name in names]}).encode()
    with FaultServer(models=body) as server:
        with pytest.raises(UserError) as refusal:
            ask(server, questions(1), journal, api_key_env="THE_KEY")
    said = str(refusal.value)
    assert "nearest are echo[2J" in said and "***" in said
    assert "sk-very-secret" not in said and "\x1b" not in said and len(said) < 1000
    said.encode()
    assert b"sk-very-secret" not in written_under(journal)


def test_nobody_looks_when_nothing_is_to_be_asked(journal):
    with FaultServer() as server:
        ask(server, questions(3), journal)
        server.models, server.models_asked = ("other",), 0
        assert values(ask(server, questions(3), journal)) == ANSWERS
        assert values(ask(server, questions(3), journal, offline=True)) == ANSWERS
        with contextlib.suppress(UserError):
            ask(server, questions(4), journal, offline=True)
        assert server.models_asked == 0


def test_our_own_server_is_not_asked(journal):
    with FaultServer(models=("weights.gguf",)) as server:
        own = Endpoint(
            server.base_url, "echo", "echo", "", EndpointSettings(embedded="echo"), Tariff()
        )
        assert values(ask_all(own, questions(3), journal=journal)) == ANSWERS
        assert server.models_asked == 0
