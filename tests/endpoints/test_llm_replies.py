"""Answers in odd forms, each of which a provider has sent: what is paid for is read, and not paid for again."""

import gzip
import json

import pytest
from fault_server import FaultServer
from llm_case import ask, questions, values
from xuxie.errors import UserError
from xuxie.llm import Answered, Failed, Question
from xuxie.llm.journal import Journal
from xuxie.llm.reply import read_reply


def stream(completion: dict) -> bytes:
    """The same completion as the events of a stream that nobody asked for."""
    [choice] = completion["choices"]
    content = choice["message"]["content"]
    events = [
        {**completion, "usage": None, "choices": [{"delta": {"role": "assistant", "content": ""}}]},
        *({"choices": [{"delta": {"content": piece}}]} for piece in (content[:3], content[3:])),
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": completion["usage"]},
    ]
    said = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return (said + "data: [DONE]\n\n").encode()


def in_old_form(completion: dict) -> bytes:
    [choice] = completion["choices"]
    choice["text"] = choice.pop("message")["content"]
    return json.dumps(completion).encode()


def stream_of_parts(completion: dict) -> bytes:
    [choice] = completion["choices"]
    parts = [{"type": "text", "text": choice["message"]["content"]}]
    event = {**completion, "choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}
    return f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()


def with_a_delta(completion: dict) -> dict:
    [choice] = completion["choices"]
    choice["delta"] = choice.pop("message")
    return completion


def with_text_as_its_message(completion: dict) -> dict:
    [choice] = completion["choices"]
    choice["message"] = choice["message"]["content"]
    return completion


def with_a_broken_character(completion: dict) -> bytes:
    return json.dumps(completion).encode().replace(b"chatcmpl-1", b"chat\xff")


@pytest.mark.parametrize(
    "form",
    [
        lambda completion: "\ufeff".encode() + json.dumps(completion).encode(),
        lambda completion: b": PROCESSING\n\n: PROCESSING\n\n" + json.dumps(completion).encode(),
        lambda completion: b"\n \n" + json.dumps(completion).encode() + b"\n\nnull",
        lambda completion: gzip.compress(json.dumps(completion).encode()),
        lambda completion: {**completion, "choices": completion["choices"] * 2},
        lambda completion: {**completion, "error": None, "score": float("nan")},
        with_a_broken_character,
        in_old_form,
        stream,
        lambda completion: stream(completion).replace(b', "finish_reason": "stop"', b""),
        stream_of_parts,
        lambda completion: json.dumps(json.dumps(completion)).encode(),
        lambda completion: [completion],
        lambda completion: {"code": 200, "data": completion},
        lambda completion: {"statusCode": 200, "body": json.dumps(completion)},
        lambda completion: {**completion, "choices": completion["choices"][0]},
        with_a_delta,
        with_text_as_its_message,
    ],
)
def test_a_body_is_read_whatever_stands_around_it(journal, form):
    with FaultServer(edit=lambda completion, _: form(completion)) as server:
        first = ask(server, questions(2), journal)
        assert values(first) == ["question 0", "question 1"]
        assert first[0].usage.input == len("question 0")
        assert values(ask(server, questions(2), journal)) == values(first)
        assert server.requests.total() == 2


@pytest.mark.parametrize(
    "place",
    [
        lambda said: {"tool_calls": [{"function": {"name": "json", "arguments": said}}]},
        lambda said: {"reasoning_content": f"It is short: {said}"},
        lambda said: {"reasoning": said},
    ],
)
def test_an_answer_that_stands_elsewhere_is_found(journal, place):
    def moved(completion, _):
        message = completion["choices"][0]["message"]
        message |= {**place(message["content"]), "content": None}
        return completion

    with FaultServer(edit=moved) as server:
        assert values(ask(server, questions(1), journal)) == ["question 0"]
        assert server.requests.total() == 1


def test_thoughts_alone_are_no_text(journal):
    def thinking(completion, _):
        completion["choices"][0]["message"] = {"content": "", "reasoning_content": "It is night."}
        return completion

    with FaultServer(edit=thinking) as server:
        [outcome] = ask(server, [Question("q", [{"role": "user", "content": "tell"}])], journal)
        assert outcome.value.text == ""
        [failed] = ask(server, questions(1), journal, attempts=1)
        assert (failed.reason, failed.detail) == ("empty", "the answer was empty")


def ended(finish: str, share: float = 1.0):
    """Answers that end for such a reason, after a share of their text."""

    def edit(completion, _):
        choice = completion["choices"][0]
        content = choice["message"]["content"]
        choice["message"]["content"] = content[: round(share * len(content))]
        choice["finish_reason"] = finish
        return completion

    return edit


@pytest.mark.parametrize(
    "finish", [None, "length", "sensitive", "content_filter", "network_error", "eos"]
)
def test_an_answer_that_is_whole_is_used_however_it_ended(journal, finish):
    with FaultServer(edit=ended(finish)) as server:
        assert values(ask(server, questions(1), journal)) == ["question 0"]
        assert server.requests.total() == 1


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("sensitive", "refused"),
        ("SAFETY", "refused"),
        ("RECITATION", "refused"),
    ],
)
def test_why_an_answer_ended_is_known_by_all_its_names(journal, finish, reason):
    with FaultServer(edit=ended(finish, 0.5)) as server:
        [failed] = ask(server, questions(1), journal, attempts=1)
    assert failed.reason == reason


@pytest.mark.parametrize("finish", ["network_error", "insufficient_system_resource", "error"])
def test_an_answer_that_the_provider_broke_off_is_asked_for_again_and_its_tokens_count(
    journal, finish
):
    with FaultServer() as server:
        server.edit = lambda completion, _: (
            ended(finish, 0.5)(completion, _) if server.requests.total() < 4 else completion
        )
        [outcome] = ask(server, questions(1), journal, attempts=1)
        assert outcome.value.text == "question 0" and outcome.usage.calls == 1
        with Journal(journal) as book:
            assert book.spent.calls == server.requests.total() == 4


# A passage that is never answered, and no other question to tell it by


def ill(body, times):
    """A server error for one question of them all."""
    if body["messages"][0]["content"] == "question 0":
        return 500, {"error": {"message": "internal error"}}


@pytest.mark.parametrize(
    "script",
    [
        ill,
        lambda body, times: ill(body, times) and (200, {"choices": [], "usage": {}}),
        lambda body, times: ill(body, times) and (200, {"success": False, "code": 500}),
    ],
)
def test_a_passage_that_fails_by_itself_is_told_from_an_endpoint_that_is_down(journal, script):
    with FaultServer(scripted=script) as server:
        ask(server, questions(3)[1:], journal)
        first, *others = ask(server, questions(3), journal, tries=2)
        assert isinstance(first, Failed) and first.reason == "no answer"
        assert all(isinstance(outcome, Answered) for outcome in others)
        asked = server.requests.total()
        assert asked == 2 + 2 + 1, "two others, two tries, and something that anybody answers"
        assert isinstance(ask(server, questions(3), journal, tries=2)[0], Failed)
        assert server.requests.total() == asked, "it is on record"


def test_where_nothing_is_answered_no_question_is_blamed(journal):
    with FaultServer(scripted=lambda *_: (500, {"error": "down"})) as server:
        with pytest.raises(UserError, match="nothing but faults"):
            ask(server, questions(1), journal, tries=2, patience=1)
        server.scripted = lambda *_: None
        assert values(ask(server, questions(1), journal)) == ["question 0"]


def without_choices(body, times):
    return 200, {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}


def packed_by_its_header(body, times):
    return 200, {"choices": []}, {"Content-Encoding": "gzip"}


def cut_off(body, times):
    return 200, b'{"choices": []', {"Content-Length": "1000"}


@pytest.mark.parametrize("script", [without_choices, packed_by_its_header, cut_off])
def test_answers_that_can_never_be_read_are_not_paid_for_again_and_again(journal, script):
    with FaultServer(scripted=script) as server:
        with pytest.raises(UserError, match="can be read, and each may be paid for"):
            ask(server, questions(40), journal, concurrency=4)
        asked = server.requests.total()
        assert asked <= 2 * 4 * (3 + 1), "three times each of those at work, and control questions"
        server.scripted = lambda *_: None
        assert len(values(ask(server, questions(40), journal))) == 40


def test_an_error_in_an_event_of_a_stream_or_behind_signs_of_life_is_known(journal):
    error = json.dumps({"error": {"message": "Rate limit reached", "code": 429}})
    empty = json.dumps({"error": {"message": "insufficient balance", "code": 402}})
    with FaultServer() as server:
        server.scripted = lambda body, times: (
            (200, f"data: {error}\n\ndata: [DONE]\n\n".encode()) if times == 1 else None
        )
        assert len(values(ask(server, questions(3), journal, tries=1))) == 3
        server.scripted = lambda *_: (200, f": PROCESSING\n\n{empty}".encode())
        with pytest.raises(UserError, match="quota of the endpoint is exhausted: insufficient"):
            ask(server, questions(4), journal)


@pytest.mark.parametrize(
    "end", ["", 'data: {"error": {"message": "upstream overloaded", "code": 503}}\n\n']
)
def test_a_stream_that_is_cut_off_is_no_answer(journal, end):
    events = [{"choices": [{"delta": {"content": piece}}]} for piece in ("one,", " two,", " th")]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    with FaultServer() as server:
        server.scripted = lambda body, times: (200, stream.encode()) if times == 1 else None
        [outcome] = ask(server, [Question("q", [{"role": "user", "content": "tell"}])], journal)
        assert "tell" in outcome.value.text and server.requests.total() == 2


@pytest.mark.parametrize("character", ["\u2028", "\x85"])
def test_lines_of_a_stream_end_where_its_protocol_says(character):
    delta = json.dumps({"content": f"one{character}two"}, ensure_ascii=False)
    event = f'data: {{"choices": [{{"delta": {delta}, "finish_reason": "stop"}}]}}'
    for end in ("\n", "\r\n", "\r"):
        body = f"{event}{end}{end}data: [DONE]{end}{end}".encode()
        assert read_reply(body, str).answer.content == f"one{character}two"


def test_a_key_does_not_follow_to_another_place(journal, monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-marker-4711-0815")
    with FaultServer() as elsewhere, FaultServer() as server:
        location = {"Location": f"{elsewhere.base_url}/chat/completions"}
        for status in (302, 307, 308):
            server.scripted = lambda body, times, status=status: (status, {}, location)
            with pytest.raises(UserError, match="correct `base_url`"):
                ask(server, questions(1), journal, api_key_env="THE_KEY")
        assert not elsewhere.requests


def test_an_error_with_status_200_is_known_by_its_words(journal):
    pages = {
        "question 0": {"base_resp": {"status_code": 1026, "status_msg": "input is sensitive"}},
        "question 1": {"error_code": 18, "error_msg": "Open api qps request limit reached"},
        "question 2": {"code": 50603, "msg": "System is too busy. Please try again later."},
    }
    with FaultServer() as server:
        server.scripted = lambda body, times: (
            (200, pages[body["messages"][0]["content"]]) if times == 1 else None
        )
        refused, *others = ask(server, questions(3), journal, tries=1)
        assert refused.reason == "refused" and len(values(others)) == 2
        empty = {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
        server.scripted = lambda *_: (200, empty)
        with pytest.raises(UserError, match="quota of the endpoint is exhausted"):
            ask(server, questions(4), journal)
