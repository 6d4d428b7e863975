import asyncio
import errno
import fcntl
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from fault_server import FaultServer
from hypothesis import given
from hypothesis import strategies as st
from llm_case import ask, questions, values
from patience import wait_until
from xuxie.errors import UserError
from xuxie.llm import limits as limits_module
from xuxie.llm import shared_state
from xuxie.llm.endpoint import Endpoint, EndpointSettings
from xuxie.llm.limits import Limits, fair_share
from xuxie.llm.shared_state import SharedState
from xuxie.llm.tariff import Tariff


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine of this test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def endpoint(**more) -> Endpoint:
    settings = EndpointSettings(base_url="http://h/v1", model="m", **more)
    return Endpoint("http://h/v1", "m", "m", "", settings, Tariff())


@given(st.integers(0, 300), st.lists(st.integers(0, 300), min_size=1, max_size=8))
def test_shares_are_fair_and_leave_nothing_over(limit, wanted):
    wanted = {str(place): want for place, want in enumerate(wanted)}
    share = fair_share(limit, wanted)
    assert sum(share.values()) == limit
    for name, want in wanted.items():
        if share[name] < want:  # kept short: nobody has more, but for a remainder of one
            assert all(share[name] >= other - 1 for other in share.values())


@pytest.fixture
def clock(monkeypatch):
    """A clock that only this test moves."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(limits_module, "time", SimpleNamespace(time=lambda: now.seconds))
    return now


async def _admitted(limits: Limits, clock, seconds: float, tokens: int) -> int:
    """How many calls the buckets let go in so many seconds of this clock."""
    end, count = clock.seconds + seconds, 0
    while clock.seconds < end:
        wait = limits._draw(tokens)
        count += wait == 0
        clock.seconds += wait
    return count


@pytest.mark.parametrize(
    ("rates", "tokens", "expected"),
    [({"rpm": 120}, 10, 120), ({"tpm": 6000}, 50, 120), ({"rpm": 600, "tpm": 6000}, 100, 60)],
)
def test_buckets_let_through_the_rate_and_a_small_burst(machine, clock, rates, tokens, expected):
    async def count():
        limits = Limits(endpoint(**rates), machine)
        try:
            return await _admitted(limits, clock, 60, tokens)
        finally:
            limits.close()

    assert expected <= asyncio.run(count()) <= expected * 1.1 + 2


def test_tokens_are_booked_as_they_were_used(machine, clock):
    async def count():
        limits = Limits(endpoint(tpm=6000), machine)
        try:
            admitted = 0
            end = clock.seconds + 60
            while clock.seconds < end:
                wait = limits._draw(500)
                if not wait:
                    admitted += 1
                    limits.succeeded(500, 50)
                clock.seconds += wait
            return admitted
        finally:
            limits.close()

    assert 120 <= asyncio.run(count()) <= 135


def test_the_limit_shrinks_once_for_one_burst_of_complaints_and_grows_back(machine, clock):
    async def course():
        limits = Limits(endpoint(concurrency=100), machine)
        try:
            asked_at = clock.seconds
            clock.seconds += 1
            for _ in range(30):
                limits.throttled(asked_at, None)
            after_burst = limits._allowed
            limits.throttled(clock.seconds, None)
            after_another = limits._allowed
            for _ in range(100):
                for _ in range(limits._allowed):
                    limits.succeeded(1, 1)
                limits._look()
            return after_burst, after_another, limits._allowed
        finally:
            limits.close()

    assert asyncio.run(course()) == (70, 49, 100)


def test_one_call_at_a_time_is_the_least(machine, clock):
    async def course():
        limits = Limits(endpoint(concurrency=4), machine)
        try:
            for _ in range(20):
                clock.seconds += 1
                limits.throttled(clock.seconds, None)
            return limits._allowed
        finally:
            limits.close()

    assert asyncio.run(course()) == 1


def test_nothing_is_asked_before_the_time_that_the_provider_named(tmp_path):
    with FaultServer(faults={"429_retry_after": 0.1}, retry_after=0.15, seed=1) as server:
        ask(server, questions(60), tmp_path / "journal", concurrency=1)
        assert server.injected["429_retry_after"] >= 2
        refused = [place for place, status in enumerate(server.statuses) if status == 429]
        pauses = [server.times[place + 1] - server.times[place] for place in refused]
    assert min(pauses) >= server.retry_after


def test_a_wait_that_ends_one_job_holds_up_no_other(tmp_path):
    """Its quota of a day is used up for one of the questions, or until somebody pays for more."""
    journal = tmp_path / "journal"

    def refusing(body, times):
        if body["messages"][0]["content"] == "question 0":
            error = {"error": {"message": "Rate limit reached for requests per day"}}
            return 429, error, {"Retry-After": "86400"}
        return None

    with FaultServer(scripted=refusing, latency=0.05) as server, ThreadPoolExecutor() as threads:
        other = threads.submit(ask, server, questions(60)[1:], journal, concurrency=2, deadline=20)
        wait_until(lambda: server.answers, "the other job's first answer", server.answers.total)
        with pytest.raises(UserError, match="asks to wait 86400 s"):
            ask(server, questions(1), journal, concurrency=2)
        assert len(values(other.result())) == 59


def test_no_pause_is_heeded_for_longer_than_patience(machine, clock):
    async def pause():
        patient, other = (Limits(endpoint(patience=seconds), machine) for seconds in (1e6, 60))
        try:
            patient.throttled(clock.seconds, 86400)
            other._look()
            clock.seconds += 30
            other._look()
            return patient._paused_until - clock.seconds, other._paused_until - clock.seconds
        finally:
            patient.close()
            other.close()

    assert asyncio.run(pause()) == (86400 - 30, 30)


@pytest.fixture
def lock_service(monkeypatch):
    """What gives out locks on shared documents, until `away` is set."""
    service, flock = SimpleNamespace(away=False), fcntl.flock

    def lock(file, operation):
        if service.away and operation == fcntl.LOCK_EX:
            raise OSError(errno.ENOLCK, "No locks available")
        return flock(file, operation)

    names = ("LOCK_EX", "LOCK_UN", "LOCK_NB", "LOCK_SH")
    names = {name: getattr(fcntl, name) for name in names}
    monkeypatch.setattr(shared_state, "fcntl", SimpleNamespace(flock=lock, **names))
    return service


@pytest.mark.parametrize("more", [{}, {"budget": {"tokens": 10**6}}, {"tpm": 10**6}])
def test_a_lock_service_that_is_away_for_a_moment_holds_up_a_job_and_no_more(
    machine, lock_service, more
):
    folder = machine / "journal"
    with FaultServer(latency=0.1) as server, ThreadPoolExecutor() as threads:
        jobs = [
            threads.submit(ask, server, wanted, folder, concurrency=1, deadline=60, **more)
            for wanted in (questions(12)[:6], questions(12)[6:])
        ]
        for answers in (3, 7):
            wait_until(
                lambda answers=answers: server.answers.total() >= answers,
                "an answer",
                server.answers.total,
            )
            lock_service.away = True
            time.sleep(0.5)
            lock_service.away = False
        assert [len(values(job.result())) for job in jobs] == [6, 6]
        assert server.answers.total() == 12


@pytest.mark.parametrize("more", [{}, {"budget": {"tokens": 10**6}}, {"rpm": 6000}])
def test_a_lock_service_that_does_not_come_back_ends_the_job(
    machine, lock_service, monkeypatch, caplog, more
):
    monkeypatch.setattr(shared_state, "_COMES_BACK", 0.3)
    with FaultServer(latency=0.02) as server, ThreadPoolExecutor() as threads:
        job = threads.submit(
            ask, server, questions(3000), machine / "journal", concurrency=2, deadline=60, **more
        )
        wait_until(lambda: server.answers, "the first answer", server.answers.total)
        lock_service.away = True
        with pytest.raises(UserError, match="what jobs share cannot be had"):
            job.result()
    told = [record for record in caplog.records if "cannot be had, trying" in record.message]
    assert len(told) == 1 + ("budget" in more)


def _job(base_url, folder, first, count):
    from llm_case import Echo
    from xuxie.llm import Question, ask_all, open_endpoint

    asked = [
        Question(f"q{i}", [{"role": "user", "content": f"question {i}"}], Echo)
        for i in range(first, first + count)
    ]
    with open_endpoint(
        {"base_url": base_url, "model": "echo", "structured": "schema", "concurrency": 6}
    ) as endpoint:
        assert len(list(ask_all(endpoint, asked, journal=folder))) == count


def test_jobs_of_one_machine_stay_below_one_limit_and_both_get_on(tmp_path, forked):
    with FaultServer(latency=0.02) as server:
        jobs = [
            forked.Process(target=_job, args=(server.base_url, tmp_path / "journal", first, 150))
            for first in (0, 150)
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        assert [job.exitcode for job in jobs] == [0, 0]
        assert server.peak <= 6
        assert server.answers.total() == 300
    assert not list(
        (tmp_path / "journal/.limits").iterdir()
    )  # the last one took the shared state away


def test_a_torn_state_is_begun_anew_and_goes_with_the_last_one(machine):
    state = SharedState(machine, "x")
    state._path.write_text('{"members": {"gone": {"seen": 1.0, "held": 9}')
    with state.held() as document:
        assert document == {}
    other = SharedState(machine, "x")
    other.close()
    with state.held() as document:  # a document that was taken away is not written to any more
        document["limit"] = 3
    assert json.loads(state._path.read_text()) == {"limit": 3}
    state.close()
    assert not state._path.exists()


def test_the_dead_hold_nothing(machine, forked):
    child = forked.Process(target=int)
    child.start()
    child.join()
    state = SharedState(machine, "x")
    with state.held() as document:
        state.members(document)
        mine = document["members"][state.me]
        document["members"] |= {
            "killed": {**mine, "pid": child.pid},
            "silent": {**mine, "seen": mine["seen"] - 60},
            "from before the clock was set": {**mine, "seen": mine["seen"] + 3600},
            "in another container": {**mine, "pid": child.pid, "pids_of": "pid:[1]"},
        }
        assert set(state.members(document)) == {state.me, "in another container"}
    state.close()


def test_where_a_folder_cannot_be_locked_each_machine_keeps_its_own_limits(tmp_path, caplog):
    (tmp_path / "journal").write_text("a file, where nothing can be made")
    state, other = (SharedState(tmp_path / "journal", "x") for _ in range(2))
    with state.held() as document:
        document["limit"] = 3
    with other.held() as document:
        assert document["limit"] == 3
    assert "limits hold for this machine alone" in caplog.text
    state.close()
    other.close()
