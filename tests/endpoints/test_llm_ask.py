import logging
import time

import pytest
from fault_server import FaultServer
from llm_case import Echo, ask, questions, settings, values, written_under
from xuxie.errors import UserError
from xuxie.llm import Answered, Failed, Question, ask_all, limits, open_endpoint
from xuxie.llm.journal import Journal

pytestmark = pytest.mark.usefixtures("own_machine")


def test_outcomes_come_in_the_order_of_the_questions(journal):
    with FaultServer(faults={"500": 0.2}) as server:
        outcomes = ask(server, iter(questions(100)), journal, concurrency=32)
    assert [outcome.id for outcome in outcomes] == [f"q{i}" for i in range(100)]
    assert values(outcomes) == [f"question {i}" for i in range(100)]


def test_in_a_storm_of_faults_nothing_is_lost_and_hardly_a_call_wasted(journal, monkeypatch):
    monkeypatch.setattr(limits, "_FIRST_PAUSE", 0.05)
    storm = {
        "429": 0.07,
        "429_retry_after": 0.03,
        "500": 0.05,
        "hang": 0.02,
        "malformed_body": 0.015,
        "malformed": 0.015,
    }
    with FaultServer(faults=storm, seed=3) as server:
        outcomes = ask(server, questions(300), journal, concurrency=64, timeout=3)
        assert values(outcomes) == [f"question {i}" for i in range(300)]
        met = server.injected.total()
        assert all(server.injected[fault] for fault in storm)
        necessary = 300 + met
        assert necessary <= server.requests.total() <= 1.01 * necessary
        assert (
            300 <= server.answers.total() - server.injected["malformed"] <= 303
        )  # answers paid for


def test_resets_and_bodies_that_never_end_are_healed(journal):
    with FaultServer(faults={"reset": 0.1, "slow_body": 0.05}, seed=8) as server:
        outcomes = ask(server, questions(100), journal, concurrency=32, timeout=3)
        assert all(isinstance(outcome, Answered) for outcome in outcomes)
        assert server.injected["reset"] and server.injected["slow_body"]
        assert server.answers.total() == 100


def test_what_was_answered_is_not_asked_again(journal):
    with FaultServer() as server:
        first = ask(server, questions(20), journal)
        again = ask(server, questions(20), journal)
        assert server.requests.total() == 20
        assert values(first) == values(again)
        assert not any(outcome.from_journal for outcome in first) and all(
            outcome.from_journal for outcome in again
        )
        assert [outcome.usage for outcome in first] == [outcome.usage for outcome in again]
        # of a changed book, only the changed part is asked
        changed = questions(20)
        changed[7] = Question("q7", [{"role": "user", "content": "another question"}], Echo)
        ask(server, changed, journal)
        assert server.requests.total() == 21
        # names, order and address do not shape an answer; sampling and schema do
        renamed = [Question(f"other {q.id}", q.messages, q.schema) for q in reversed(questions(20))]
        ask(server, renamed, journal, base_url=server.base_url + "/")
        assert server.requests.total() == 21
        ask(server, questions(1, sampling={"temperature": 0.5}), journal)
        ask(server, questions(1), journal, identity="another model")
        assert server.requests.total() == 23


def test_a_journal_that_cannot_be_written_is_refused_before_anything_is_paid_for(journal):
    journal.write_text("not a folder")
    with FaultServer() as server:
        with pytest.raises(UserError, match="the journal cannot be written"):
            ask(server, questions(5), journal)
        assert server.requests.total() == 0


def test_where_nothing_is_answered_no_file_is_left_in_the_journal(journal):
    with FaultServer() as server:
        ask(server, questions(2), journal)
        left = sorted(journal.rglob("*"))
        ask(server, questions(2), journal)
        server.key = "another"
        with pytest.raises(UserError, match="refused the key"):
            ask(server, questions(3), journal)
        assert sorted(journal.rglob("*")) == left


def test_a_question_asked_twice_is_paid_for_once(journal):
    with FaultServer(latency=0.05) as server:
        outcomes = ask(server, questions(5) * 3, journal)
        assert server.requests.total() == 5
    assert values(outcomes) == [f"question {i}" for i in range(5)] * 3


def test_a_call_is_in_flight_until_its_answer_is_on_the_disk(journal, monkeypatch):
    """What a `kill -9` costs is then no more than `concurrency`."""
    append, sent, written = Journal.append, [], 0

    def slowly(self, entries):
        nonlocal written
        time.sleep(0.2)  # a slow disk: time for the next question, were it let go
        sent.append(server.requests.total() - written)
        written += len(entries)
        append(self, entries)

    monkeypatch.setattr(Journal, "append", slowly)
    with FaultServer() as server:
        ask(server, questions(5), journal, concurrency=1)
    assert sent == [1] * 5


@pytest.mark.parametrize(
    ("fault", "reason", "raw"),
    [
        ("malformed", "malformed", "I would rather talk about the weather."),
        ("off_schema", "off schema", '{"unexpected": true}'),
        ("truncated", "length", '{"text": "question'),
        ("empty", "empty", ""),
        ("refused", "refused", None),
    ],
)
def test_an_answer_that_stays_unusable_fails_by_name_and_is_kept(journal, fault, reason, raw):
    with FaultServer(faults={fault: 1.0}) as server:
        [outcome] = ask(server, questions(1), journal)
        assert isinstance(outcome, Failed)
        assert (outcome.reason, outcome.raw, outcome.usage.calls) == (reason, raw, 3)
        assert server.requests.total() == 3
        # each attempt differed from the one before it, and all are in the journal
        assert len({str(body) for body in server.bodies}) == 3
        [again] = ask(server, questions(1), journal)
        assert again.from_journal and again.reason == reason
        assert server.requests.total() == 3
        # whoever wants to try once more goes on from there
        ask(server, questions(1), journal, attempts=4)
        assert server.requests.total() == 4


def test_an_unusable_answer_is_asked_for_again_with_the_reason(journal):
    def check(value):
        if value.length < 1000:
            raise ValueError(f"too short: {value.length} of 1000 characters")

    def answer(body):
        told = "too short: 3 of 1000" in body["messages"][-1]["content"]
        return '{"text": "long", "length": 1000}' if told else '{"text": "abc", "length": 3}'

    with FaultServer(answer=answer) as server:
        [outcome] = ask(server, questions(1, check=check, sampling={"seed": 5}), journal)
        assert outcome.value.length == 1000 and outcome.usage.calls == 2
        first, second = server.bodies
        assert (first["seed"], second["seed"]) == (5, 6)
        assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]


def test_a_cut_answer_gets_more_room(journal):
    with FaultServer(faults={"truncated": 1.0}) as server:
        ask(server, questions(1), journal)
        assert [body["max_tokens"] for body in server.bodies] == [100, 400, 1600]


@pytest.mark.parametrize(
    ("server_settings", "says"),
    [
        ({"key": "the right one"}, "Incorrect API key provided"),
        ({"model": "another"}, "The model `echo` does not exist"),
        ({"quota": 0}, "You exceeded your current quota"),
    ],
)
def test_what_waiting_cannot_heal_stops_the_job_at_once(journal, server_settings, says):
    with FaultServer(**server_settings) as server:
        with pytest.raises(UserError, match=says):
            ask(server, questions(500), journal)
        assert server.requests.total() <= 8  # no more than were in flight


def test_at_an_exhausted_quota_what_was_paid_for_is_kept(journal):
    with FaultServer(quota=100, latency=0.01) as server:
        with pytest.raises(UserError, match="top up"):
            ask(server, questions(300), journal)
        server.quota = None
        before = server.answers.total()
        assert len(ask(server, questions(300), journal)) == 300
        assert before >= 100 and server.answers.total() == 300


def test_an_endpoint_that_is_down_ends_the_job_and_not_the_work(journal):
    with FaultServer() as server:
        ask(server, questions(10), journal)
        server.faults = {"500": 1.0}
        with pytest.raises(UserError, match="nothing but faults.*\n.*\n.*run again"):
            ask(server, questions(20), journal, patience=0.5)
        server.faults = {}
        assert len(ask(server, questions(20), journal)) == 20
        assert server.answers.total() == 20


def test_nobody_there_is_said_soon(journal):
    with FaultServer() as server:
        pass
    with pytest.raises(UserError, match="the connection failed"):
        ask(server, questions(3), journal)


def test_a_question_that_the_provider_rejects_fails_alone_and_for_good(journal):
    with FaultServer(
        reject={"question 3": "data_inspection_failed: inappropriate content"}
    ) as server:
        outcomes = ask(server, questions(10), journal)
        assert [outcome.id for outcome in outcomes if isinstance(outcome, Failed)] == ["q3"]
        assert outcomes[3].reason == "refused" and outcomes[3].usage.tokens == 0
        ask(server, questions(10), journal)
        assert server.requests.total() == 10


def test_a_request_that_is_rejected_from_the_first_stops_the_job(journal):
    with (
        FaultServer(reject={"": "temperature must be below 1"}) as server,
        pytest.raises(UserError, match="temperature must be below 1"),
    ):
        ask(server, questions(10), journal)


@pytest.mark.parametrize("others", [0, 12])
def test_questions_refused_in_words_unknown_are_recorded_where_anything_else_is_answered(
    journal, others
):
    """Three of them at once, before another call is answered, are no verdict on the endpoint: a control question is."""

    def refusing(body, times):
        if body["messages"][0]["content"] in ("question 0", "question 1", "question 2"):
            return 400, {"error": {"message": "Sorry, not this one"}}
        return None

    with FaultServer(scripted=refusing, latency=0.2) as server:
        wanted = questions(3 + others)
        outcomes = ask(server, wanted, journal, concurrency=8)
        assert [outcome.reason for outcome in outcomes[:3]] == ["rejected"] * 3
        assert all(isinstance(outcome, Answered) for outcome in outcomes[3:])
        [control] = {name for name in server.answers if name.startswith("Is it")}
        before = server.requests.total()
        ask(server, wanted, journal)
        assert server.requests.total() == before
    sent = [body for body in server.bodies if body["messages"][-1]["content"] == control]
    form = {name: value for name, value in server.bodies[0].items() if name != "messages"}
    assert {**sent[0], "messages": []} == {**form, "messages": []}


def test_an_account_in_arrears_in_words_unknown_stops_the_job_and_nothing_is_recorded(journal):
    with FaultServer(reject={"": "Please settle the invoice"}) as server:
        with pytest.raises(UserError, match="settle the invoice"):
            ask(server, questions(10), journal)
        server.reject = {}
        assert len(values(ask(server, questions(10), journal))) == 10


@pytest.mark.parametrize(
    ("server_settings", "mode", "calls"),
    [
        ({}, "schema", 1),
        ({"formats": ("json_object",)}, "json", 2),
        ({"formats": ()}, "text", 3),
        ({"ignores_format": True}, "json", 3),
    ],
)
def test_how_to_ask_for_structure_is_found_out_once_and_said(
    journal, caplog, server_settings, mode, calls
):
    caplog.set_level(logging.INFO, "xuxie.llm")
    with FaultServer(**server_settings) as server:
        first = ask(server, questions(1), journal, structured="auto")
        assert values(first) == ["question 0"] and not first[0].from_journal
        assert server.requests.total() == calls
        assert f"in mode `{mode}`" in caplog.text
        outcomes = ask(server, questions(30), journal, structured="auto")
        assert all(isinstance(outcome, Answered) for outcome in outcomes)
        assert server.requests.total() == calls + 29
    assert len(ask(server, questions(30), journal, structured="auto", offline=True)) == 30


@pytest.mark.parametrize("count", [1, 3])
def test_refused_questions_end_also_where_the_mode_is_still_to_be_found(journal, count):
    """None of them shows which mode there is: the strictest is not taken, and in the next one they are refused."""

    def refusing(body, times):
        if body.get("response_format", {}).get("type") == "json_schema":
            return 400, {"error": {"message": "This response_format type is unavailable now"}}
        return 400, {"error": {"message": "data_inspection_failed: inappropriate content"}}

    with FaultServer(scripted=refusing) as server:
        for _ in range(2):
            outcomes = ask(server, questions(count), journal, structured="auto", deadline=20)
            assert [outcome.reason for outcome in outcomes] == ["refused"] * count
        assert server.requests.total() <= 2 * count + 2
        server.scripted = lambda *_: None
        server.formats = ("json_object",)
        answered = ask(server, questions(9)[count:], journal, structured="auto")
        assert len(values(answered)) == 9 - count


def test_a_mode_that_is_no_longer_taken_is_found_out_anew(journal):
    with FaultServer() as server:
        ask(server, questions(1), journal, structured="auto")
        server.formats = ("json_object",)
        outcomes = ask(server, questions(4), journal, structured="auto", deadline=20)
        assert values(outcomes) == [f"question {i}" for i in range(4)]


def test_a_mode_that_the_endpoint_does_not_take_is_an_error_that_says_what_to_set(journal):
    with FaultServer(formats=()) as server, pytest.raises(UserError, match="set `structured`"):
        ask(server, questions(2), journal, structured="json")


def test_offline_answers_come_from_the_journal_and_a_miss_names_its_question(journal, monkeypatch):
    monkeypatch.setenv("THE_KEY", "sk-marker")
    with FaultServer() as server:
        ask(server, questions(5), journal, api_key_env="THE_KEY")
    monkeypatch.delenv("THE_KEY")
    assert len(ask(server, questions(5), journal, api_key_env="THE_KEY", offline=True)) == 5
    with pytest.raises(UserError, match="no answer for q5 is in the journal"):
        ask(server, questions(6), journal, api_key_env="THE_KEY", offline=True)


PRICE = {"input": 1e6, "cached": 0.5e6, "output": 2e6}  # so that one token of input costs 1


def test_money_is_counted_as_the_endpoint_counts_tokens(journal):
    with FaultServer() as server:
        outcomes = ask(server, questions(4), journal, price=PRICE)
    # "question 0": 10 words in the server's count, 5 of them cached, and the answer's length
    out = len('{"text": "question 0", "length": 10}')
    assert [outcome.usage.cost for outcome in outcomes] == [5 + 2.5 + 2 * out] * 4
    with Journal(journal) as book:
        assert book.spent.cost == 4 * (7.5 + 2 * out)


@pytest.mark.parametrize("budget", [{"tokens": 3000, "money": None}, {"money": 6000}])
def test_a_budget_stops_before_it_is_crossed_and_the_run_can_go_on(journal, budget):
    with FaultServer(latency=0.01) as server:
        with pytest.raises(UserError, match="budget"):
            ask(server, questions(200), journal, budget=budget, price=PRICE, concurrency=16)
        with Journal(journal) as book:
            spent = {"tokens": book.spent.tokens, "money": book.spent.cost}
        for name, limit in budget.items():
            if limit is not None:
                assert 0.8 * limit < spent[name] <= limit
        before = server.answers.total()
        assert before == len(list(filter(None, server.answers.values())))
        outcomes = ask(
            server, questions(200), journal, budget={name: 100_000 for name in budget}, price=PRICE
        )
        assert len(outcomes) == 200 and server.answers.total() == 200


def test_an_endpoint_that_counts_no_tokens_is_counted_for(journal, monkeypatch):
    completion = FaultServer._completion
    monkeypatch.setattr(
        FaultServer, "_completion", lambda *given: {**completion(*given), "usage": None}
    )
    with FaultServer() as server:
        [outcome] = ask(server, questions(1), journal)
    assert outcome.usage.input >= 10 and outcome.usage.output >= 10


def test_a_deadline_ends_the_job_between_calls(journal):
    with FaultServer(latency=0.05) as server:
        with pytest.raises(UserError, match="deadline"):
            ask(server, questions(1000), journal, deadline=0.3, concurrency=4)
        answered = server.answers.total()
        assert 0 < answered < 1000
        with Journal(journal) as book:
            assert len(book) == answered


def test_a_caller_who_leaves_early_loses_nothing(journal):
    with FaultServer(latency=0.05) as server:
        with open_endpoint(settings(server, concurrency=16)) as endpoint:
            outcomes = ask_all(endpoint, questions(200), journal=journal)
            next(outcomes)
            outcomes.close()
        with Journal(journal) as book:
            assert len(book) == server.answers.total() == server.requests.total()


def test_the_key_reaches_the_endpoint_and_nothing_else(journal, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("THE_KEY", "sk-marker-4711-0815")
    with FaultServer(faults={"500": 0.3}) as server:
        ask(server, questions(30), journal, api_key_env="THE_KEY")
        assert server.keys == {"sk-marker-4711-0815"}
        server.key = "another"  # a provider that repeats the key in its refusal
        with pytest.raises(UserError) as refused:
            ask(server, questions(31), journal, api_key_env="THE_KEY")
    assert b"question 0" in written_under(tmp_path)
    assert b"4711" not in written_under(tmp_path)
    assert "4711" not in caplog.text and "4711" not in str(refused.value)


def test_progress_says_what_was_done_and_what_it_took(journal, caplog):
    caplog.set_level(logging.INFO, "xuxie.llm.progress")
    with FaultServer() as server, open_endpoint(settings(server, price=PRICE)) as endpoint:
        list(ask_all(endpoint, questions(3), journal=journal, label="pairs of lighthouse"))
    assert "pairs of lighthouse: 3 of 3 done, 0 failed" in caplog.text
    assert "30 tokens in (15 cached)" in caplog.text and "money" in caplog.text
