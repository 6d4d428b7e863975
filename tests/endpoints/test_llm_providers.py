"""What providers do in fact, odd and real: each ends well, and nothing that was paid for is thrown away."""

import json
import logging
import os
import signal
import time

import pydantic
import pytest
from fault_server import FaultServer, asked
from llm_case import ask, questions, settings, values, written_under
from patience import wait_until
from xuxie.errors import UserError
from xuxie.llm import Answered, Failed, Question, ask_all, limits, open_endpoint
from xuxie.llm.journal import Journal


def only(passage: str, *answer):
    """A script that answers so to one question."""
    return lambda body, times: answer if asked(body) == passage else None


def error(message: str, **more) -> dict:
    return {"error": {"message": message, **more}}


# What is counted and sent


@pytest.mark.parametrize(
    ("usage", "input"),
    [
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0}, 10),
        ({"prompt_tokens": "10", "completion_tokens": "5"}, 10),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": [1]}, 10),
        ({"prompt_tokens": {}, "completion_tokens": float("nan")}, None),
        ({"prompt_tokens": -3, "completion_tokens": 1e300}, None),
        ({"prompt_tokens": True, "completion_tokens": False}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 999_999_999_999, "completion_tokens": 5}, None),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 10**9}, 10),
        (None, None),
        ([1, 2], None),
    ],
)
def test_counts_of_any_kind_are_read_or_estimated(journal, usage, input):
    with FaultServer(edit=lambda completion, _: {**completion, "usage": usage}) as server:
        first = ask(server, questions(3), journal)
        assert values(first) == ["question 0", "question 1", "question 2"]
        if input is None:
            assert 0 < first[0].usage.input < 1000 and 0 < first[0].usage.output < 100
        else:
            assert (first[0].usage.input, first[0].usage.output) == (10, 5)
        again = ask(server, questions(3), journal)
        assert all(outcome.from_journal for outcome in again)
        assert server.requests.total() == 3


@pytest.mark.parametrize(
    ("total", "output"), [(14428, 4308), (11619, 1499), (None, 1499), ("?", 1499)]
)
def test_thoughts_that_are_counted_in_the_total_alone_are_paid_for(journal, total, output):
    """xAI's `completion_tokens` leave them out."""
    usage = {"prompt_tokens": 10120, "completion_tokens": 1499, "total_tokens": total}
    with FaultServer(edit=lambda completion, _: {**completion, "usage": usage}) as server:
        [outcome] = ask(server, questions(1), journal)
    assert (outcome.usage.input, outcome.usage.output) == (10120, output)


@pytest.mark.parametrize(
    "choice",
    [
        {"finish_reason": "content_filter: RECITATION", "message": {"content": "half a sen"}},
        {"finish_reason": "content_filter: PROHIBITED_CONTENT", "index": 0},
    ],
)
def test_what_gemini_s_filter_stops_is_refused_whatever_it_leaves(journal, choice):
    question = Question("q", [{"role": "user", "content": "tell"}])
    with FaultServer(edit=lambda completion, _: {**completion, "choices": [choice]}) as server:
        for _ in range(2):
            [outcome] = ask(server, [question], journal)
            assert isinstance(outcome, Failed) and outcome.reason == "refused"
        assert server.requests.total() == 1


def test_a_content_in_parts_is_joined(journal):
    def in_parts(completion, _):
        message = completion["choices"][0]["message"]
        half = len(message["content"]) // 2
        pieces = (message["content"][:half], message["content"][half:])
        message["content"] = [{"type": "text", "text": piece} for piece in pieces]
        return completion

    with FaultServer(edit=in_parts) as server:
        assert values(ask(server, questions(2), journal)) == ["question 0", "question 1"]


def test_half_a_surrogate_is_replaced_and_paid_for_once(journal):
    with FaultServer(answer=lambda body: '{"text": "好\\ud83d", "length": 1}') as server:
        server.edit = lambda completion, _: {**completion, "id": "\ud83d"}
        [outcome] = ask(server, questions(1), journal)
        assert outcome.value.text.startswith("好") and outcome.value.text.encode()
        ask(server, questions(1), journal)
        assert server.requests.total() == 1


def test_half_a_surrogate_in_an_unusable_answer_does_not_stop_the_next_attempt(journal):
    with FaultServer(answer=lambda body: "broken \ud83d words") as server:
        for _ in range(2):
            [outcome] = ask(server, questions(1), journal)
            assert outcome.reason == "malformed"
        assert server.requests.total() == 3


# A refusal of this question, or of everything


@pytest.mark.parametrize(
    "message",
    [
        "Access denied, please make sure your account is in good standing. | Arrearage",
        "something new that nobody has heard of",
    ],
)
def test_a_refusal_that_starts_in_the_middle_stops_and_is_journaled_for_none(journal, message):
    with FaultServer() as server:
        server.scripted = lambda body, times: (
            (400, error(message)) if server.answers.total() >= 20 else None
        )
        with pytest.raises(UserError, match=message.split()[0]):
            ask(server, questions(32), journal)
        server.scripted = lambda body, times: None
        assert all(isinstance(o, Answered) for o in ask(server, questions(32), journal))
        assert server.answers.total() == 32


def test_an_overload_with_status_400_is_waited_for(journal):
    with FaultServer() as server:
        server.scripted = lambda body, times: (
            (400, error("模型过载,请稍后再试")) if times < 3 else None
        )
        assert len(values(ask(server, questions(4), journal))) == 4


@pytest.mark.parametrize("passage", ["question 0", "question 5"])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, error("internal error")), "no answer"),
        (
            (403, error("Your chosen model requires moderation and your input was flagged")),
            "refused",
        ),
        ((400, error("系统检测到输入或生成内容可能包含不安全内容", code="1301")), "refused"),
        ((400, error("a riddle of a message")), "rejected"),
    ],
)
@pytest.mark.parametrize("structured", ["schema", "auto"])
def test_one_passage_that_is_not_answered_costs_only_itself(
    journal, passage, answer, reason, structured
):
    with FaultServer(scripted=only(passage, *answer), latency=0.01) as server:
        outcomes = ask(server, questions(40), journal, structured=structured, tries=2)
        failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        assert [(o.reason, f"question {o.id[1:]}") for o in failed] == [(reason, passage)]
        asked_so_far = server.requests.total()
        again = ask(server, questions(40), journal, structured=structured, tries=2)
        assert [isinstance(outcome, Failed) for outcome in again].count(True) == 1
        assert server.requests.total() == asked_so_far, "it is on record"


# When to come back


@pytest.mark.parametrize(
    "body",
    [
        error(
            "You exceeded your current quota, please check your plan and billing details."
            " Please retry in 0.3s."
        ),
        [error("Resource exhausted: quota", details=[{"retryDelay": "0.3s"}])],
        error(
            "Rate limit reached on requests per min (RPM): Limit 3. Please try again in 300ms."
            " You can increase your rate limit by adding a payment method at /account/billing."
        ),
    ],
)
def test_a_limit_per_minute_is_waited_for_as_told_and_is_no_empty_account(journal, body):
    with FaultServer(scripted=lambda _, times: (429, body) if times == 1 else None) as server:
        assert values(ask(server, questions(1), journal)) == ["question 0"]
        assert server.times[1] - server.times[0] >= 0.3


def test_an_error_with_status_200_is_read_as_what_it_says(journal):
    moderation = error("input was flagged", code=403)

    def script(body, times):
        return (200, moderation if asked(body) == "question 1" else error("slow", code=429))

    with FaultServer() as server:
        server.scripted = lambda body, times: script(body, times) if times == 1 else None
        first, second = ask(server, questions(2), journal)
        assert isinstance(first, Answered) and second.reason == "refused"
        assert server.requests.total() == 3


def test_a_while_of_503_is_sat_out(journal):
    began = time.monotonic()
    with FaultServer() as server:
        server.scripted = lambda body, times: (
            (503, error("overloaded")) if time.monotonic() - began < 0.5 else None
        )
        assert len(values(ask(server, questions(4), journal, tries=1))) == 4


def test_bare_429s_slow_all_calls_until_they_pass(journal, monkeypatch):
    monkeypatch.setattr(limits, "_FIRST_PAUSE", 0.05)  # as long, beside what the server allows
    with FaultServer(rate=100) as server:
        outcomes = ask(server, questions(40), journal, concurrency=32, tries=1)
        assert len(values(outcomes)) == 40
        assert 40 < server.requests.total() < 6 * 40


def test_retry_after_0_backs_off(journal):
    def busy(body, times):
        return (503, error("busy"), {"Retry-After": "0"}) if times < 6 else None

    with FaultServer(scripted=busy) as server:
        assert values(ask(server, questions(1), journal)) == ["question 0"]
        assert server.requests.total() == 6


def test_a_wait_beyond_ones_patience_stops(journal):
    answer = (429, error("quota of the day"), {"Retry-After": "7200"})
    with (
        FaultServer(scripted=lambda *_: answer) as server,
        pytest.raises(UserError, match="asks to wait 7200 s"),
    ):
        ask(server, questions(3), journal)


# What fields are called


def old_field(body, times):
    if "max_tokens" in body:
        return 400, error(
            "Unsupported parameter: 'max_tokens' is not supported with this model."
            " Use 'max_completion_tokens' instead.",
            param="max_tokens",
        )


def no_seed(body, times):
    if "seed" in body:
        found = {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}
        return 422, {"detail": [found]}


def little_room(body, times):
    if body["max_tokens"] > 50:
        return 400, error("max_tokens is too large: 100. This model supports at most 50 tokens.")


@pytest.mark.parametrize(
    ("script", "field", "sent"),
    [
        (old_field, "max_completion_tokens", 100),
        (no_seed, "seed", None),
        (little_room, "max_tokens", 50),
    ],
)
def test_a_field_that_is_refused_is_found_out_once_and_remembered(
    journal, caplog, script, field, sent
):
    caplog.set_level(logging.WARNING)
    with FaultServer(scripted=script) as server:
        given = questions(6, sampling={"seed": 1})
        assert len(values(ask(server, given[:5], journal, concurrency=1))) == 5
        assert server.requests.total() == 6
        assert server.bodies[-1].get(field) == sent and "is not" not in caplog.text
        assert field in caplog.text
        assert len(values(ask(server, given, journal))) == 6
        assert server.requests.total() == 7


def test_fields_are_renamed_and_left_out_as_configured_and_answers_stay_valid(journal):
    with FaultServer() as server:
        given = questions(2, sampling={"seed": 1})
        ask(server, given[:1], journal)
        fields = {"max_tokens": "max_completion_tokens", "seed": None}
        assert len(values(ask(server, given, journal, fields=fields))) == 2
        assert server.requests.total() == 2, "a name is no reason to pay again"
        assert server.bodies[1]["max_completion_tokens"] == 100
        assert not {"max_tokens", "seed"} & server.bodies[1].keys()


def test_an_endpoint_without_json_mode_is_asked_in_words(journal):
    def script(body, times):
        if "response_format" in body:
            return 400, error("Json mode is not supported for this model")

    with FaultServer(scripted=script) as server:
        assert len(values(ask(server, questions(3), journal, structured="auto"))) == 3


# Models that think


@pytest.mark.parametrize(
    "thoughts",
    [
        "The passage {turns} here.\n</think>\n",
        "<think>{maybe} {'text': 1}</think>",
        "I weigh {this} against {that: 1}. So:\n",
        '{"note": "a draft"} is not it. ',
    ],
)
def test_an_answer_is_found_behind_thoughts(journal, thoughts):
    with FaultServer(answer=lambda body: thoughts + '{"text": "好", "length": 1}') as server:
        assert values(ask(server, questions(1), journal)) == ["好"]
        assert server.requests.total() == 1


def test_room_grows_to_what_the_model_is_said_to_allow(journal):
    def cut(completion, request):
        if server.bodies[-1]["max_tokens"] < 5000:
            completion["choices"][0]["finish_reason"] = "length"
            completion["choices"][0]["message"]["content"] = ""
        return completion

    with FaultServer(edit=cut) as server:
        given = {"max_tokens": 1024, "max_output": 6000}
        assert values(ask(server, questions(1), journal, **given)) == ["question 0"]
        assert [body["max_tokens"] for body in server.bodies] == [1024, 4096, 6000]
        given = {"max_tokens": 1024, "max_output": 2000}
        [failed] = ask(server, questions(2), journal, **given)[1:]
        assert failed.reason == "length" and server.bodies[-1]["max_tokens"] == 2000
        assert server.requests["question 1"] == 2, "with no more room there is no use in asking"


# Answers that are right in part


class Pair(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    why: str = pydantic.Field(max_length=10)
    mark: int = pydantic.Field(ge=0, le=10)


class Pairs(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    pair_1: Pair
    pair_2: Pair


def pairs(**more) -> list[Question]:
    return [Question("q", [{"role": "user", "content": "two pairs"}], Pairs, in_parts=True, **more)]


def test_small_slips_are_mended_and_cost_no_second_answer(journal):
    given = {
        "pair_1": {"why": "一二三四五六七八九十十一", "mark": 8.5, "extra": 1},
        "pair_2": {"why": "", "mark": "7"},
        "note": "unasked",
    }
    with FaultServer(answer=lambda body: json.dumps(given)) as server:
        [outcome] = ask(server, pairs(), journal)
    assert outcome.value.pair_1 == Pair(why="一二三四五六七八九十", mark=8)
    assert outcome.value.pair_2.mark == 7 and outcome.usage.calls == 1


def test_only_what_is_missing_is_asked_for_again_and_all_that_was_wrong_is_told(journal):
    def answer(body):
        pair = {"why": "", "mark": 3}
        again = len(body["messages"]) > 1
        return json.dumps({"pair_2": pair} if again else {"pair_1": pair, "pair_2": {"mark": 99}})

    with FaultServer(answer=answer) as server:
        [outcome] = ask(server, pairs(), journal)
        assert outcome.value.pair_1.mark == outcome.value.pair_2.mark == 3 and not outcome.missing
        told = server.bodies[1]["messages"][-1]["content"]
        assert "why" in told and "less than or equal to 10" in told
        schema = server.bodies[1]["response_format"]["json_schema"]["schema"]
        assert schema["required"] == ["pair_2"]
        assert ask(server, pairs(), journal)[0].value == outcome.value
        assert server.requests.total() == 2


def test_what_stays_wrong_costs_only_itself(journal):
    def check(answer):
        if hasattr(answer, "pair_2"):
            raise ValueError("out of range: pair_2 is not one of 1, 2")

    with FaultServer(
        answer=lambda body: '{"pair_1": {"why": "", "mark": 1}, "pair_2": {"why": "", "mark": 2}}'
    ) as server:
        [outcome] = ask(server, pairs(check=check), journal)
    assert outcome.value.pair_1.mark == 1 and outcome.value.pair_2 is None
    assert outcome.missing == {"pair_2": "out of range: pair_2 is not one of 1, 2"}


# Secrets


def test_a_server_that_repeats_the_key_finds_it_on_no_disk(journal, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("THE_KEY", "sk-marker-qzxv-0815")

    def page(completion, request):
        return b"<html>" + request.headers["authorization"].encode() * 3

    def content(completion, request):
        key = request.headers["authorization"]
        completion["choices"][0]["message"]["content"] = json.dumps({"text": key, "length": 1})
        return json.dumps({**completion, "id": key, "model": key}).replace("-", "\\u002d").encode()

    with FaultServer(edit=page) as server:
        with pytest.raises(UserError) as stopped:
            ask(server, questions(2), journal, api_key_env="THE_KEY", patience=0.2)
        server.edit = content
        [outcome] = ask(server, questions(1), journal, api_key_env="THE_KEY")
    assert outcome.value.text == "Bearer ***" and "***" in str(stopped.value)
    assert b"qzxv" not in written_under(tmp_path)
    assert "qzxv" not in caplog.text and "qzxv" not in str(stopped.value)


# The end of a job


def _job(base_url, folder, grace=20):
    # A shell has its background jobs ignore SIGINT, and a child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = {"base_url": base_url, "model": "echo", "structured": "schema"}
    with open_endpoint({**given, "concurrency": 8, "grace": grace, "timeout": 500}) as endpoint:
        list(ask_all(endpoint, questions(100), journal=folder))


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_calls_in_flight_are_waited_for_when_a_job_is_ended(journal, forked, ending):
    with FaultServer(latency=0.5) as server:
        job = forked.Process(target=_job, args=(server.base_url, journal))
        job.start()
        while server.now < 8:
            assert job.is_alive()
            time.sleep(0.01)
        os.kill(job.pid, ending)
        job.join()
        assert job.exitcode == 1
        assert server.answers.total() == server.requests.total() < 100
        with Journal(journal) as book:
            assert len(book) == server.answers.total()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_ended_waits_no_longer_than_grace_for_what_never_comes(
    journal, forked, ending
):
    with FaultServer(faults={"hang": 1.0}, hang=500) as server:
        job = forked.Process(target=_job, args=(server.base_url, journal, 0.5))
        job.start()
        try:
            wait_until(lambda: server.now == 8, "calls in flight", lambda: server.now)
            os.kill(job.pid, ending)
            job.join(100)
            assert job.exitcode == 1
        finally:
            job.kill()
            job.join()


@pytest.mark.parametrize(
    ("failing", "of", "allowed", "stops"),
    [(64, 64, 0.05, True), (3, 40, 0.05, True), (2, 40, 0.05, False), (1, 4, 0.05, False)],
)
def test_too_many_failures_end_the_job_with_the_commonest_reason(
    journal, failing, of, allowed, stops
):
    def script(body, times):
        if int(asked(body).split()[1]) < failing:
            return 400, error("content_filter: inappropriate content")

    with (
        FaultServer(scripted=script) as server,
        open_endpoint(settings(server)) as endpoint,
    ):
        outcomes = ask_all(endpoint, questions(of), journal=journal, max_failed=allowed)
        if stops:
            with pytest.raises(UserError, match=f"{failing} of {of} questions failed.*`refused`"):
                list(outcomes)
        else:
            assert len(list(outcomes)) == of


def test_a_question_without_a_schema_is_answered_in_text(journal):
    with FaultServer(answer=lambda body: "<think>so</think>从前有座山。") as server:
        given = [Question("q", [{"role": "user", "content": "tell"}])]
        [outcome] = ask(server, given, journal)
        assert (outcome.value.text, outcome.value.finish) == ("从前有座山。", "stop")
        assert "response_format" not in server.bodies[0]
        assert ask(server, given, journal)[0].value == outcome.value
        assert server.requests.total() == 1
