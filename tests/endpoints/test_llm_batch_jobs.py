"""Jobs that are killed, ended or begun again while a batch is under way: nothing is lost, and nothing is paid for twice."""

import json
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from batch_server import STAGES, BatchServer
from llm_batch_case import by_batch, once, paid, queue_is_full, records, replies
from llm_case import ask, questions, values
from patience import wait_until
from starlette.responses import JSONResponse
from xuxie.errors import UserError

pytestmark = pytest.mark.usefixtures("own_machine")


QUESTIONS = 40


def _job(base_url, journal, temporary):
    # A shell has its background jobs ignore SIGINT, and a child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tempfile.tempdir = str(temporary)
    logging.basicConfig(level=logging.INFO, filename=temporary / "log")
    from xuxie.llm import batch_results

    batch_results._AT_ONCE = 10  # so that half of a file fills the journal in part
    server = type("Server", (), {"base_url": base_url})
    try:
        outcomes = by_batch(server, questions(QUESTIONS), journal)
    except UserError as error:
        logging.error("%s", error)
        sys.exit(1)
    (temporary / "values").write_text(json.dumps(values(outcomes)))


@pytest.fixture
def start(tmp_path, journal, forked):
    def start(server):
        job = forked.Process(target=_job, args=(server.base_url, journal, tmp_path))
        job.start()
        return job

    return start


def reach(server, stage):
    """Wait until a job is held at a stage."""
    wait_until(server.reached.is_set, stage, lambda: (len(server.requests), dict(server._at)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_any_stage_it_goes_on_and_pays_for_nothing_twice(start, tmp_path, journal, stage):
    with BatchServer(hold_at=stage, looks=2) as server:
        job = start(server)
        reach(server, stage)
        job.kill()
        job.join()
        held = replies(journal)
        assert len(held) == 1 or stage == "half" and 1 < len(held) < QUESTIONS
        server.hold_at = None
        server.go_on.set()
        job = start(server)
        job.join()
        assert job.exitcode == 0
        assert json.loads((tmp_path / "values").read_text()) == [
            f"question {i}" for i in range(QUESTIONS)
        ]
        assert paid(server) == once(QUESTIONS)
        assert len(server.batches) == 1 and records(journal) == []
        assert held.items() <= replies(journal).items()


@pytest.mark.timeout(300)
def test_killed_while_a_batch_that_was_turned_away_is_made_again(start, tmp_path, journal):
    ends = ("completed", "failed", "completed")
    with BatchServer(ends=ends, more_said=queue_is_full) as server:
        somebodys = {"id": "batch-0", "input_file_id": "other", "status": "in_progress"}
        server.batches["batch-0"] = {**somebodys, "looked": 0, "end": "completed"}

        def hold_the_second(stage, times):
            server.hold_at = "created" if (stage, times) == ("create", 2) else server.hold_at

        server.trouble = hold_the_second
        job = start(server)
        reach(server, "created")
        job.kill()
        job.join()
        server.trouble, server.hold_at = (lambda stage, times: None), None
        server.go_on.set()
        job = start(server)
        job.join()
        assert job.exitcode == 0 and paid(server) == once(QUESTIONS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_the_batch_with_the_provider_and_says_how_to_go_on(
    start, tmp_path, journal, number
):
    with BatchServer(looks=10**9) as server:
        job = start(server)
        wait_until(lambda: server._at["look"], "waiting", lambda: dict(server._at))
        with pytest.raises(UserError, match="would be paid for twice"):
            ask(server, questions(QUESTIONS), journal)
        os.kill(job.pid, number)
        job.join()
        said = (tmp_path / "log").read_text()
        assert job.exitcode == 1
        assert (
            "batch batch-0 (in_progress) goes on at the provider: run the same command again"
            in said
        )
        server.looks = 0
        job = start(server)
        job.join()
        assert job.exitcode == 0 and paid(server) == once(QUESTIONS)


def left_behind(server, journal) -> Path:
    """The record of a batch whose job has ended before it did."""
    server.trouble = lambda stage, times: JSONResponse({}, 500) if stage == "look" else None
    with pytest.raises(UserError, match="nothing but faults"):
        by_batch(server, questions(5), journal, patience=0.2)
    server.trouble = lambda stage, times: None
    [record] = records(journal)
    return record


def test_what_is_on_record_elsewhere_or_gone_is_not_paid_for_again(journal):
    with BatchServer() as server:
        record = left_behind(server, journal)
        with BatchServer() as other, pytest.raises(UserError, match="not to be had"):
            by_batch(other, questions(5), journal)
        assert other.requests.total() == 0
        gone = server.batches.pop("batch-0")
        with pytest.raises(UserError, match="No such batch") as error:
            by_batch(server, questions(5), journal)
        assert str(record) in str(error.value)
        server.batches["batch-0"] = gone
        by_batch(server, questions(5), journal)
        assert paid(server) == once(5)


def test_a_record_whose_last_line_was_torn_is_taken_over(journal):
    with BatchServer() as server:
        record = left_behind(server, journal)
        assert json.loads(record.read_bytes().splitlines()[-1]) == {"batch": "batch-0"}
        os.truncate(record, record.stat().st_size - 5)
        by_batch(server, questions(5), journal)
        assert paid(server) == once(5) and records(journal) == []
