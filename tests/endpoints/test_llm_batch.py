"""Questions that go up as a batch: each is paid for once, whatever the provider loses and wherever the job is killed."""

import asyncio
import itertools
import json
import logging
import threading

import pytest
from batch_server import STAGES, BatchServer
from fault_server import FaultServer, asked, echo
from llm_batch_case import BATCH, by_batch, entries, once, paid, queue_is_full, records, replies
from llm_case import ask, questions, values, written_under
from patience import wait_until
from starlette.responses import JSONResponse, Response
from xuxie.errors import UserError
from xuxie.llm import Answered, Failed, Question, open_endpoint
from xuxie.llm.batch_api import BatchApi
from xuxie.llm.client import Client
from xuxie.llm.usage import Price

pytestmark = pytest.mark.usefixtures("own_machine")


def test_answers_and_journal_are_those_of_direct_calls(tmp_path, journal):
    with BatchServer(looks=3) as server:
        outcomes = by_batch(server, questions(50), journal)
    assert values(outcomes) == [f"question {i}" for i in range(50)]
    assert paid(server) == once(50)
    assert len(server.batches) == 1 and server.answers.total() == 1, "the first one goes ahead"
    assert records(journal) == []
    with FaultServer() as server:
        ask(server, questions(50), tmp_path / "direct")
    assert replies(journal) == replies(tmp_path / "direct")


def test_what_was_answered_is_not_asked_again_and_a_changed_book_asks_for_its_changes(journal):
    with BatchServer() as server:
        by_batch(server, questions(20), journal)
        outcomes = by_batch(server, questions(25), journal)
        assert paid(server) == once(25)
        assert [outcome.from_journal for outcome in outcomes] == [True] * 20 + [False] * 5
        assert server.answers.total() == 1, "one of its kind went ahead before"


def test_texts_and_found_out_forms_come_by_batch_too(journal):
    texts = [Question(f"t{i}", [{"role": "user", "content": f"text {i}"}]) for i in range(5)]
    with BatchServer(formats=("json_object",)) as server:
        found = by_batch(server, texts, journal)
        assert [json.loads(outcome.value.text)["text"] for outcome in found] == [
            f"text {i}" for i in range(5)
        ]
        outcomes = by_batch(server, questions(10), journal, structured="auto")
        assert values(outcomes) == [f"question {i}" for i in range(10)]
        assert server.billed.total() == 4 + 8, "besides one to find the form, and one ahead"


@pytest.mark.parametrize(
    "told",
    [
        [],
        [{"response": {"status_code": 0, "request_id": "", "body": {}}, "error": None}],
        [{"response": {"status_code": 500, "body": {"error": {"message": "server error"}}}}],
        [{"response": None, "error": {"code": "request_timeout", "message": "timed out"}}],
    ],
    ids=["no line", "status 0", "status 500", "timed out"],
)
def test_what_a_batch_loses_goes_up_with_the_next_one(journal, told):
    def losing(body, times):
        return told if times == 1 and asked(body) in ("question 3", "question 7") else None

    with BatchServer(losing=losing) as server:
        outcomes = by_batch(server, questions(10), journal)
    assert values(outcomes) == [f"question {i}" for i in range(10)]
    assert paid(server) == once(10) and len(server.batches) == 2


def test_a_question_that_always_times_out_is_given_up(journal):
    told = [{"response": None, "error": {"code": "request_timeout", "message": "timed out"}}]
    with BatchServer(losing=lambda b, times: told if asked(b) == "question 3" else None) as server:
        outcomes = by_batch(server, questions(5), journal)
        assert [type(outcome) for outcome in outcomes].count(Failed) == 1
        assert len(server.batches) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_a_question_that_is_too_fast_in_every_batch_is_given_up_for_now(journal, status):
    body = {"error": {"message": "Rate limit reached"}}
    told = [{"response": {"status_code": status, "body": body}, "error": None}]
    with BatchServer(losing=lambda b, times: told if asked(b) == "question 3" else None) as server:
        outcomes = by_batch(server, questions(5), journal, tries=4, deadline=60)
        assert isinstance(outcomes[3], Failed) and len(server.batches) == 4
        server.losing = lambda body, times: None
        assert values(by_batch(server, questions(5), journal)) == [
            f"question {i}" for i in range(5)
        ]


def test_a_question_that_every_batch_loses_is_on_record_and_the_others_are_answered(journal):
    def losing(body, times):
        if asked(body) == "question 3":
            return [{"response": {"status_code": 500, "body": {"error": {"message": "no"}}}}]
        return [] if asked(body) == "question 5" and times < 3 else None

    with BatchServer(losing=losing) as server:
        outcomes = by_batch(server, questions(10), journal)
        assert isinstance(outcomes[3], Failed) and outcomes[3].reason == "no answer"
        assert sum(isinstance(outcome, Answered) for outcome in outcomes) == 9
        assert len(server.batches) == 3
        again = by_batch(server, questions(10), journal)
        assert isinstance(again[3], Failed) and len(server.batches) == 3


@pytest.mark.parametrize(
    "told",
    [
        {"response": {"status_code": 400, "body": {"error": {"code": "content_filter"}}}},
        {"response": None, "error": {"code": "data_inspection_failed", "message": "no"}},
    ],
    ids=["OpenAI's line", "DashScope's line"],
)
def test_a_refusal_of_a_question_is_a_verdict_on_it_alone(journal, told):
    with BatchServer(
        losing=lambda body, times: [told] if asked(body) == "question 3" else None
    ) as server:
        outcomes = by_batch(server, questions(10), journal)
        assert [type(outcome) for outcome in outcomes].count(Failed) == 1
        assert outcomes[3].reason == "refused" and len(server.batches) == 1
        by_batch(server, questions(10), journal)
        assert len(server.batches) == 1


def test_of_an_expired_batch_the_part_that_came_is_used_and_the_rest_goes_up_again(journal):
    expired = {"response": None, "error": {"code": "batch_expired", "message": "too late"}}

    def losing(body, times):
        return [expired] if times <= 4 and int(asked(body)[9:]) >= 5 * times else None

    with BatchServer(ends=("expired",) * 4 + ("completed",), losing=losing) as server:
        outcomes = by_batch(server, questions(40), journal)
        assert values(outcomes) == [f"question {i}" for i in range(40)], (
            "late is no fault of theirs"
        )
        assert paid(server) == once(40) and len(server.batches) == 5


def test_a_cancelled_batch_stops_the_job_and_keeps_its_part(journal):
    def losing(body, times):
        return [] if times == 1 and int(asked(body)[9:]) >= 5 else None

    with BatchServer(ends=("cancelled", "completed"), losing=losing) as server:
        with pytest.raises(UserError, match="batch-0 was cancelled at the provider"):
            by_batch(server, questions(10), journal)
        assert records(journal) == []
        outcomes = by_batch(server, questions(10), journal)
        assert values(outcomes) == [f"question {i}" for i in range(10)]
        assert paid(server) == once(10)


def test_a_batch_that_fails_its_validation_stops_the_job_with_the_providers_words(journal):
    errors = {"data": [{"code": "invalid_model", "message": "no batches of this model"}]}
    with BatchServer(
        ends=("failed", "completed"), more_said=lambda b: {"errors": errors}
    ) as server:
        with pytest.raises(UserError, match="no batches of this model"):
            by_batch(server, questions(10), journal)
        assert server.billed.total() == 0 and records(journal) == []
        by_batch(server, questions(10), journal)
        assert paid(server) == once(10)


def test_a_batch_without_a_single_answer_stops_the_job_and_is_no_verdict(journal):
    arrears = {"response": {"status_code": 400, "body": {"error": {"message": "come back later"}}}}
    with BatchServer(losing=lambda body, times: [arrears] if times == 1 else None) as server:
        with pytest.raises(UserError, match="come back later"):
            by_batch(server, questions(10), journal)
        outcomes = by_batch(server, questions(10), journal)
        assert values(outcomes) == [f"question {i}" for i in range(10)]


def test_a_full_queue_is_waited_for_while_others_are_in_it(journal):
    with BatchServer(ends=("completed", "failed", "completed"), more_said=queue_is_full) as server:
        somebodys = {"id": "batch-0", "input_file_id": "other", "status": "in_progress"}
        server.batches["batch-0"] = {**somebodys, "looked": 0, "end": "completed"}
        assert values(by_batch(server, questions(10), journal))
        assert paid(server) == once(10) and len(server.files) == 2, "sent up once"
    with BatchServer(ends=("failed",), more_said=queue_is_full) as server:
        with pytest.raises(UserError, match=r"batch: \{questions: "):
            by_batch(server, questions(10), journal.with_name("another"))
        assert records(journal.with_name("another")) == []


def test_lines_that_are_strange_doubled_or_torn_harm_nothing(journal):
    def spoil(answers):
        if len(answers) < 5:
            return answers
        strange = answers[0].replace(json.loads(answers[0])["custom_id"].encode(), b"f" * 32)
        wrong = json.loads(answers[2])
        wrong["response"]["body"]["choices"][0]["message"]["content"] = "twice"
        doubled = json.dumps(wrong).encode()
        torn = answers[1][: len(answers[1]) // 2]
        return [b"[]", strange, torn, *answers[2:], doubled, b"", b'{"custom_id": 3}', answers[0]]

    with BatchServer(spoil=spoil) as server:
        outcomes = by_batch(server, questions(10), journal)
    assert values(outcomes) == [f"question {i}" for i in range(10)]
    torn = [question for question, times in paid(server).items() if times == 2]
    assert len(torn) == 1, "only what the server itself lost is asked again"


def test_a_download_that_is_cut_off_is_read_again(journal, monkeypatch):
    whole = BatchServer._in_halves
    cut = []

    async def cut_once(self, content):
        async for piece in whole(self, content):
            yield piece
            if not cut:
                cut.append(content)
                return

    monkeypatch.setattr(BatchServer, "_in_halves", cut_once)
    with BatchServer() as server:
        outcomes = by_batch(server, questions(30), journal)
    assert values(outcomes) == [f"question {i}" for i in range(30)]
    assert cut and paid(server) == once(30)


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        *((stage, 500) for stage in ("list", *STAGES[:-1])),
        ("create", 429),
        ("look", 503),
    ],
)
def test_a_fault_in_any_request_is_healed(journal, stage, status):
    def trouble(at, times):
        if at == stage and times == 1:
            return JSONResponse({"error": {"message": "busy"}}, status)
        return None

    with BatchServer(trouble=trouble, looks=2) as server:
        outcomes = by_batch(server, questions(10), journal)
        assert values(outcomes) == [f"question {i}" for i in range(10)]
        assert paid(server) == once(10) and len(server.batches) == 1


def test_nothing_but_faults_stops_the_job_and_the_next_one_goes_on(journal):
    ill = [True]

    def trouble(stage, times):
        return JSONResponse({"error": {}}, 500) if stage == "look" and ill[0] else None

    with BatchServer(trouble=trouble) as server:
        with pytest.raises(UserError, match="nothing but faults"):
            by_batch(server, questions(10), journal, patience=0.5)
        ill[0] = False
        by_batch(server, questions(10), journal)
        assert paid(server) == once(10) and len(server.batches) == 1


class FilesLater(BatchServer):
    """A batch is completed for some looks before the provider says where its answers are."""

    later = 4

    def _told(self, batch):
        there = batch["looked"] >= self.later
        return super()._told(batch) if there else {**super()._told(batch), "output_file_id": None}


def test_a_completed_batch_whose_files_come_later_is_not_paid_for_again(journal):
    with FilesLater() as server:
        assert values(by_batch(server, questions(6), journal))
        assert paid(server) == once(6) and len(server.batches) == 1
    with FilesLater() as server:
        server.later = 10**9
        with pytest.raises(UserError, match="does not say where its answers are"):
            by_batch(server, questions(6), journal.with_name("another"))
        server.later = 0
        by_batch(server, questions(6), journal.with_name("another"))
        assert paid(server) == once(6) and len(server.batches) == 1


def test_a_key_that_is_repeated_as_an_id_is_written_nowhere(journal, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG, "xuxie")
    monkeypatch.setenv("THE_KEY", "sk-marker-4711-0815")
    told = BatchServer._told
    monkeypatch.setattr(
        BatchServer,
        "_told",
        lambda self, batch: {**told(self, batch), "id": f"{batch['id']}sk-marker-4711-0815"},
    )
    with BatchServer() as server, pytest.raises(UserError) as stopped:
        by_batch(server, questions(4), journal, api_key_env="THE_KEY", patience=0.3)
    assert b"4711" not in written_under(tmp_path)
    assert "4711" not in caplog.text and "4711" not in str(stopped.value)


def test_an_answer_that_cannot_be_used_is_asked_again_in_a_next_batch(journal):
    def answer(body):
        told = json.dumps(body["messages"]).count("Answer again")
        number = int(asked(body)[9:])
        return echo(body) if told >= (number % 5 == 1) + (number % 5 == 2) * 9 else "好的。"

    with BatchServer(answer=answer) as server:
        outcomes = by_batch(server, questions(10), journal)
    assert [type(o) for o in outcomes].count(Failed) == 2, "questions 2 and 7, after three attempts"
    assert len(server.batches) == 3
    assert server.billed["question 6"] == 2 and server.billed["question 7"] == 3


def test_an_answer_that_was_broken_off_is_counted_and_asked_again(journal):
    def spoil(answers):
        broken = json.loads(answers[0])
        choice = broken["response"]["body"]["choices"][0]
        choice |= {"finish_reason": "insufficient_system_resource", "message": {"content": '{"te'}}
        return [json.dumps(broken).encode(), *answers[1:]] if len(answers) > 1 else answers

    with BatchServer(spoil=spoil) as server:
        outcomes = by_batch(server, questions(10), journal)
    assert values(outcomes) == [f"question {i}" for i in range(10)]
    assert sum("reply" in entry for entry in entries(journal)) == sum(paid(server).values()) == 11


def test_an_endpoint_without_batches_says_so_before_anything_is_paid(journal):
    with FaultServer() as server:
        with pytest.raises(UserError, match="no batches") as error:
            by_batch(server, questions(10), journal)
        assert "batch: false" in str(error.value) and server.requests.total() == 0


def test_a_web_page_in_the_place_of_batches_is_none(journal):
    page = Response("<html>Not here</html>", media_type="text/html")
    with BatchServer(trouble=lambda stage, times: page) as server:
        with pytest.raises(UserError, match="no batches"):
            by_batch(server, questions(10), journal)
        assert server.requests.total() == 0


def test_an_embedded_endpoint_has_no_batches():
    with pytest.raises(UserError, match="batch"), open_endpoint({"embedded": "m", "batch": True}):
        pass


def test_what_the_endpoint_does_not_take_is_learnt_before_the_batch(journal):
    def scripted(body, times):
        if "seed" in body:
            return 400, {"error": {"message": "Unsupported parameter: seed"}}
        return None

    with BatchServer(scripted=scripted) as server:
        outcomes = by_batch(server, questions(10, sampling={"seed": 1}), journal)
        assert values(outcomes) and len(server.batches) == 1
        sent = json.loads(server.files["file-0"].splitlines()[0])["body"]
        assert "seed" not in sent and sent["model"] == "echo"


def test_a_question_that_is_refused_when_asked_ahead_does_not_keep_the_others_back(journal):
    def scripted(body, times):
        broken = asked(body) == "question 0"
        return (500, {"error": {"message": "crashed"}}) if broken else None

    with BatchServer(scripted=scripted) as server:
        outcomes = by_batch(server, questions(10), journal)
        assert values(outcomes) == [f"question {i}" for i in range(10)]
        assert paid(server) == once(10)


def test_the_last_questions_do_not_wait_for_more(journal):
    with BatchServer() as server:
        outcomes = by_batch(server, questions(10), journal, batch={**BATCH, "gather": 10**6})
        assert values(outcomes) and paid(server) == once(10) and len(server.batches) == 1


def test_questions_that_come_slowly_go_up_before_the_last_one(journal):
    def slowly():
        asked = iter(questions(6))
        yield from itertools.islice(asked, 4)
        wait_until(lambda: server.billed.total() == 3, "the first ones", server.billed.total)
        yield from asked

    with BatchServer() as server:
        outcomes = by_batch(server, slowly(), journal, batch={**BATCH, "gather": 0.1})
        assert len(values(outcomes)) == 6 and paid(server) == once(6)


def test_many_questions_go_up_in_several_files(journal):
    with BatchServer() as server:
        outcomes = by_batch(server, questions(50), journal, batch={**BATCH, "questions": 20})
        assert values(outcomes) == [f"question {i}" for i in range(50)]
        assert paid(server) == once(50) and len(server.batches) >= 3


def test_batches_cost_what_the_price_says_and_budgets_hold(journal):
    price = {"input": 1e6, "output": 0, "batch": 0.25}
    with BatchServer() as server:
        by_batch(server, questions(10), journal, price=price, budget={"money": 1e9})
        costs = {
            entry["question"]: (entry["cost"], entry["usage"][0], "batch" in entry)
            for entry in entries(journal)
            if "reply" in entry
        }
        assert all(cost == input * (0.25 if batch else 1) for cost, input, batch in costs.values())
        assert sum(batch for *_, batch in costs.values()) == 9
        with pytest.raises(UserError, match="budget"):
            by_batch(server, questions(60), journal, budget={"tokens": 800})
        assert sum(sum(entry["usage"][::2]) for entry in entries(journal)) <= 800
    assert Price(2, 1, 8).of(10, 4, 3, by_batch=True) == Price(2, 1, 8).of(10, 4, 3) / 2


def test_two_jobs_of_a_journal_do_not_pay_for_the_same_question(journal):
    outcomes = {}

    def job(name):
        outcomes[name] = by_batch(server, questions(10), journal)

    with BatchServer(hold_at="look") as server:
        by_batch(server, questions(1), journal)  # the one that goes ahead
        first = threading.Thread(target=job, args=("first",))
        first.start()
        assert server.reached.wait(60)
        second = threading.Thread(target=job, args=("second",))
        second.start()
        server.go_on.set()
        first.join()
        second.join()
        assert values(outcomes["first"]) == values(outcomes["second"])
        assert paid(server) == once(10) and len(server.batches) == 1


def test_an_address_says_where_requests_of_a_batch_go():
    async def url(base_url):
        with open_endpoint({"base_url": base_url, "model": "m"}) as endpoint:
            client = Client(endpoint)
            line = json.loads(BatchApi(client).line("k", {"messages": [{"content": "半\ud800"}]}))
            await client.close()
            assert line["custom_id"] == "k" and line["body"]["model"] == "m"
            return line["url"]

    for base_url, expected in (
        ("https://api.openai.com/v1", "/v1/chat/completions"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1/", "/v1/chat/completions"),
        ("https://open.bigmodel.cn/api/paas/v4", "/v4/chat/completions"),
        ("https://example.org/openai", "/v1/chat/completions"),
    ):
        assert asyncio.run(url(base_url)) == expected
