"""The embedded server: its threads, its process, its pace, and weights that are missing or none."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from fault_server import FaultServer
from llm_case import questions
from patience import wait_until
from xuxie.errors import UserError
from xuxie.llm import Endpoint, ask_all, open_endpoint
from xuxie.llm.embedded import embedded_server, threads_that_run
from xuxie.llm.endpoint import EndpointSettings
from xuxie.llm.pace import Pace
from xuxie.llm.tariff import Tariff
from xuxie.runtime.clone import child_environment

#: A library that serves nothing, and whose address is how its threads would wait.
LIBRARY = """
import os
from types import SimpleNamespace

WAITING = os.environ.get("OMP_WAIT_POLICY")

def CommonParams():
    return SimpleNamespace(
        model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace()
    )

class Server:
    def __init__(self, params):
        if "deadly" in params.model.path:
            os.kill(os.getpid(), 9)
        print("a line of the library's own")
        self.listening_address = f"http://{WAITING}"
"""
SERVED = {"threads": 1, "slots": 1, "context": 256}


@pytest.fixture
def library(tmp_path, monkeypatch):
    """In place of llama.cpp."""
    (tmp_path / "xllamacpp.py").write_text(LIBRARY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


@pytest.mark.parametrize(
    ("busy", "most", "expected"), [(0, 2, 2), (0, 1, 1), (50, 4, 2), (100, 4, 1), (5, 16, 4)]
)
def test_threads_are_as_many_as_find_an_idle_core(monkeypatch, busy, most, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(psutil, "cpu_percent", lambda **_: [busy] * 8)
    assert threads_that_run(most) == expected


def test_how_threads_wait_is_settled_before_the_library_is_loaded(library):
    with embedded_server(Path("model.gguf"), **SERVED) as (address, _):
        assert address == "http://passive"


def test_a_server_that_is_killed_while_it_loads_is_named(library):
    with (
        pytest.raises(UserError, match="exit status -9(.|\n)*deadly.gguf"),
        embedded_server(Path("deadly.gguf"), **SERVED),
    ):
        pass


JOB = """
import signal
from pathlib import Path
from xuxie.llm.embedded import embedded_server

with embedded_server(Path("model.gguf"), threads=1, slots=1, context=256):
    print("serving", flush=True)
    signal.pause()
"""


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or would be if somebody asked how it ended."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_server_outlives_a_signal_to_the_job_and_not_the_job(library):
    job = subprocess.Popen(
        [sys.executable, "-c", JOB],
        env=child_environment(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert job.stdout.readline() == "serving\n"
        [server] = psutil.Process(job.pid).children()
        for number in (signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        time.sleep(0.5)
        assert not has_ended(server)
    finally:
        job.kill()
        job.communicate()
    wait_until(lambda: has_ended(server), "the end of the server", server.is_running, patience=60)


def served_at(address: str) -> Endpoint:
    """An embedded endpoint whose server is somewhere already."""
    return Endpoint(address, "echo", "echo", "", EndpointSettings(embedded="m"), Tariff())


def test_a_server_that_has_ended_stops_the_job_at_once(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        gone = served_at(f"http://127.0.0.1:{nobody.getsockname()[1]}/v1")
        with pytest.raises(UserError, match="embedded server has ended(.|\n)*memory"):
            list(ask_all(gone, questions(2), journal=tmp_path))


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
        pytest.raises(UserError, match="does not load(.|\n)*model.gguf"),
        open_endpoint({"embedded": "m"}, wrong),
    ):
        pass


def test_weights_that_are_not_there_are_named(tmp_path):
    with (
        pytest.raises(UserError, match="weights of the embedded model m are missing"),
        open_endpoint({"embedded": "m"}, tmp_path / "no.gguf"),
    ):
        pass
