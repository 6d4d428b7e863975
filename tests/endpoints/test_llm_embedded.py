"""The embedded server: its threads, its process, its pace, and weights that are missing or none."""

import logging
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from fault_server import FaultServer
from llm_case import questions
from patience import wait_until
from server_processes import has_ended, kill_server, started
from xuxie.errors import UserError
from xuxie.llm import Answered, Endpoint, Question, ask_all, open_endpoint
from xuxie.llm.embedded import embedded_server, threads_that_run
from xuxie.llm.endpoint import EndpointSettings
from xuxie.llm.pace import Pace
from xuxie.llm.tariff import Tariff
from xuxie.runtime.clone import child_environment

SERVED = {"threads": 1, "slots": 1, "context": 256}


@pytest.mark.parametrize(
    ("busy", "most", "expected"), [(0, 2, 2), (0, 1, 1), (50, 4, 2), (100, 4, 1), (5, 16, 4)]
)
def test_threads_are_as_many_as_find_an_idle_core(monkeypatch, busy, most, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(psutil, "cpu_percent", lambda **_: [busy] * 8)
    assert threads_that_run(most) == expected


def test_how_threads_wait_is_settled_before_the_library_is_loaded(tiny_gguf):
    with embedded_server(tiny_gguf, **SERVED) as its:
        its.start()
        [_, server] = started()
        assert server.environ()["OMP_WAIT_POLICY"] == "passive"


def test_its_key_is_in_no_command_line(tiny_gguf):
    with embedded_server(tiny_gguf, **SERVED) as server:
        server.start()
        assert server.key
        for process in started():
            assert server.key not in " ".join(process.cmdline())


JOB = """
import signal, sys
from pathlib import Path
from xuxie.llm.embedded import embedded_server

with embedded_server(Path(sys.argv[1]), threads=1, slots=1, context=256) as server:
    server.start()
    print("serving", flush=True)
    signal.pause()
"""


def test_the_server_outlives_a_signal_to_the_job_and_not_the_job(tiny_gguf):
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, str(tiny_gguf)],
        env=child_environment(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert job.stdout.readline() == "serving\n"
        processes = psutil.Process(job.pid).children(recursive=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            for process in processes:
                process.send_signal(number)
        time.sleep(0.5)
        assert len(processes) == 2 and not any(map(has_ended, processes))
    finally:
        job.kill()
        job.communicate()
    wait_until(lambda: all(map(has_ended, processes)), "the end of the server", int, patience=60)


def served_at(address: str) -> Endpoint:
    """An embedded endpoint whose server is somewhere already."""
    return Endpoint(address, "echo", "echo", "", EndpointSettings(embedded="m"), Tariff())


def test_a_server_that_is_killed_is_started_again(tiny_gguf, tmp_path):
    asked = [
        Question(f"q{n}", [{"role": "user", "content": f"第{n}问"}], sampling={"max_tokens": 4})
        for n in range(3)
    ]
    with open_endpoint({"embedded": "m", "context": 256}, tiny_gguf) as endpoint:
        for count in (1, 2, 3):
            outcomes = list(ask_all(endpoint, asked[:count], journal=tmp_path))
            assert [type(outcome) for outcome in outcomes] == [Answered] * count
            assert not outcomes[-1].from_journal
            kill_server()


def test_answers_that_become_several_times_slower_are_told_once(tmp_path, monkeypatch, caplog):
    took = [0.1] * 10 + [0.5] * 10
    monkeypatch.setattr(
        Pace, "answered", lambda self, _, tokens, of=Pace.answered: of(self, took.pop(0), 20)
    )
    with FaultServer() as server, caplog.at_level(logging.INFO):
        list(ask_all(served_at(server.base_url), questions(20), journal=tmp_path))
    [said] = [record for record in caplog.records if "as long as the first ones" in record.message]
    assert "5.0 times" in said.message and "other work has the processor" in said.message
    assert not took and server.requests.total() == 20


@pytest.mark.parametrize(
    "took",
    [
        [(1.0, 100)] * 3 + [(9.0, 900)] * 9,  # longer answers
        [(1.0, 100)] * 6 + [(30.0, 100)] + [(1.0, 100)] * 6,  # a single odd one
    ],
)
def test_what_is_no_slowness_is_not_told(took, caplog):
    pace = Pace()
    for seconds, tokens in took:
        pace.answered(seconds, tokens)
    assert not caplog.records


def test_a_file_that_is_no_model_is_named(tmp_path):
    wrong = tmp_path / "model.gguf"
    wrong.write_bytes(b"this is no model" * 100)
    with (
        pytest.raises(UserError, match="exit status 1(.|\n)*failed to load model(.|\n)*model.gguf"),
        open_endpoint({"embedded": "m"}, wrong) as endpoint,
    ):
        list(ask_all(endpoint, questions(1), journal=tmp_path))


def test_weights_that_are_not_there_are_named(tmp_path):
    with (
        pytest.raises(UserError, match="weights of the embedded model m are missing"),
        open_endpoint({"embedded": "m"}, tmp_path / "no.gguf"),
    ):
        pass
