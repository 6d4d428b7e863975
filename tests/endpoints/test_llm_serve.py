"""A server that the job starts itself: how it is started, waited for, lost and found again, and that nothing of it stays behind."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import psutil
import pytest
from llm_case import Echo, questions, values
from patience import wait_until
from server_processes import has_ended, started
from xuxie.errors import UserError
from xuxie.llm import Answered, Question, ask_all, open_endpoint
from xuxie.llm import server as module
from xuxie.llm.serving import ServeSettings, own_server, path_of_model
from xuxie.runtime.clone import child_environment
from xuxie.runtime.command import check_command

PYTHON = sys.executable
#: Programs that go on until they are ended; what a test fails to end goes with the test run, on no clock.
LASTING = f"import psutil; psutil.Process({os.getpid()}).wait()"
LASTING_IN_SHELL = f"tail --pid={os.getpid()} -f /dev/null"
LLAMA = [
    PYTHON, "-m", "xuxie.runtime.llama_server",
    "--model", "{model}", "--name", "{name}", "--context", "{context}", "--port", "{port}",
]  # fmt: skip

#: It writes down whom it is asked by and whom it has answered; a word may end it.
ECHO = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOTES = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send({"data": []})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        line = body["messages"][0]["content"].splitlines()[0]
        os.write(NOTES, f"{line}\\n".encode())
        if "deadly" in line:
            print("a deadly word", flush=True)
            os._exit(9)
        time.sleep(0.5 if "slow" in line else 0.02)
        content = json.dumps({"text": line, "length": len(line)})
        message = {"role": "assistant", "content": content}
        self.send({"choices": [{"message": message, "finish_reason": "stop"}]})

    def send(self, document):
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def served(command: list, **more) -> dict:
    """An endpoint of the configuration."""
    serve = {"command": command, "gpus": 0, "start_within": 60, **more.pop("serve", {})}
    return {"serve": serve, "model": "tiny", "structured": "schema", "context": 512, **more}


def echo(tmp_path: Path, **more) -> dict:
    return served([PYTHON, "-c", ECHO, "{port}", str(tmp_path / "asked")], **more)


def asked(tmp_path: Path) -> list[str]:
    """What the echo was asked, by all of its lives."""
    return (tmp_path / "asked").read_text().splitlines()


def until_all_have_ended(processes: list[psutil.Process]) -> None:
    def left() -> int:
        return sum(not has_ended(process) for process in processes)

    wait_until(lambda: not left(), "the end of every process of the server", left, patience=60)


def test_a_real_server_answers_and_leaves_nothing_behind(tiny_gguf, tmp_path):
    question = Question("q", [{"role": "user", "content": "你好"}], sampling={"max_tokens": 4})
    key = {"key_variable": "XUXIE_SERVER_KEY"}
    with open_endpoint(served(LLAMA, serve=key), tiny_gguf) as endpoint:
        [outcome] = ask_all(endpoint, [question], journal=tmp_path)
        processes = started()
        assert len(processes) == 2 and endpoint.key
    assert isinstance(outcome, Answered) and outcome.value.output == 4
    until_all_have_ended(processes)


@pytest.mark.parametrize("offline", [True, False])
def test_what_the_journal_answers_needs_no_server(tiny_gguf, tmp_path, offline):
    question = Question("q", [{"role": "user", "content": "你好"}], sampling={"max_tokens": 4})
    with open_endpoint(served(LLAMA), tiny_gguf) as endpoint:
        [outcome] = ask_all(endpoint, [question], journal=tmp_path)
    broken = served(["no-such-server", "{port}"])
    with open_endpoint(broken, tiny_gguf, offline=offline) as endpoint:
        [again] = ask_all(endpoint, [question], journal=tmp_path)
    assert again.value.text == outcome.value.text and again.from_journal


def test_a_key_keeps_others_out_and_is_on_no_command_line_and_in_no_log(
    tiny_gguf, tmp_path, caplog
):
    question = Question("q", [{"role": "user", "content": "你好"}], sampling={"max_tokens": 4})
    said = "import os, sys; print(os.environ['THE_KEY']); os.environ['XUXIE_SERVER_KEY'] = os.environ['THE_KEY']; os.execv(sys.argv[1], sys.argv[1:])"
    command = [PYTHON, "-c", said, *LLAMA]
    with (
        caplog.at_level("INFO"),
        open_endpoint(served(command, serve={"key_variable": "THE_KEY"}), tiny_gguf) as endpoint,
    ):
        list(ask_all(endpoint, [question], journal=tmp_path))
        stranger = {"base_url": endpoint.base_url, "model": "tiny"}
        with (
            pytest.raises(UserError, match="refused the key"),
            open_endpoint(stranger) as without_key,
        ):
            list(ask_all(without_key, [question], journal=tmp_path / "stranger"))
        assert not any(endpoint.key in " ".join(process.cmdline()) for process in started())
    assert "the server: ***" in caplog.text and endpoint.key not in caplog.text


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("print('CUDA out of memory'); raise SystemExit(3)", "exit status 3(.|\n)*CUDA out of memory"),
        ("import os; print('loading', flush=True); os.kill(os.getpid(), 9)", "exit status 137(.|\n)*loading"),
        (f"print('loading', flush=True); {LASTING}", "not ready within 2 s(.|\n)*loading"),
    ],
    # A name of its own for each: LASTING holds the number of a process, and test workers must agree on names.
    ids=["out of memory", "killed", "too slow"],
)  # fmt: skip
def test_a_server_that_does_not_come_up_is_told_with_its_last_words(program, expected, tmp_path):
    settings = served([PYTHON, "-c", program, "{port}"], serve={"start_within": 2})
    with pytest.raises(UserError, match=expected), open_endpoint(settings) as endpoint:
        list(ask_all(endpoint, questions(1), journal=tmp_path))
    assert started() == []


def test_a_command_that_is_not_there_is_named(tmp_path):
    with (
        pytest.raises(UserError, match="exit status 127(.|\n)*no-such-server: No such file"),
        open_endpoint(served(["no-such-server", "{port}"])) as endpoint,
    ):
        list(ask_all(endpoint, questions(1), journal=tmp_path))


def test_a_server_that_other_machines_reach_is_refused(tmp_path):
    with (
        pytest.raises(UserError, match=r"listens on 0\.0\.0\.0(.|\n)*--host 127\.0\.0\.1"),
        open_endpoint(served([PYTHON, "-m", "http.server", "{port}"])) as endpoint,
    ):
        list(ask_all(endpoint, questions(1), journal=tmp_path))
    assert started() == []


def test_no_proxy_stands_between_a_job_and_its_server(tmp_path, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{module.free_port()}")  # nobody is there
    with open_endpoint(echo(tmp_path, patience=1)) as endpoint:
        outcomes = list(ask_all(endpoint, questions(2), journal=tmp_path / "journal"))
    assert values(outcomes) == ["question 0", "question 1"]


@pytest.mark.parametrize("also", ["::1", "127.0.0.2", "::ffff:127.0.0.1"])
def test_a_server_may_listen_on_other_addresses_of_this_machine_alone(tmp_path, monkeypatch, also):
    listening = module._listening
    monkeypatch.setattr(
        module, "_listening", lambda *where: listening(*where) and {"127.0.0.1", also}
    )
    with open_endpoint(echo(tmp_path)) as endpoint:
        outcomes = list(ask_all(endpoint, questions(1), journal=tmp_path / "journal"))
    assert values(outcomes) == ["question 0"]


def test_what_a_server_says_without_an_end_takes_no_memory(tmp_path, caplog):
    said = tmp_path / "said"
    said.write_text("x" * 20_000_000 + "\nits last words\n")
    server = own_server(ServeSettings(command=["serve"]), None, name="tiny", context=512)
    with said.open() as lines, caplog.at_level("INFO"):
        tracemalloc.start()
        try:
            server._listen(lines)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 2_000_000
    assert caplog.messages == [f"the server: {'x' * module._AT_MOST}", "the server: its last words"]


@pytest.mark.parametrize("answers", [True, False])
def test_a_port_that_is_taken_before_the_server_has_it_is_left_to_its_owner(
    tmp_path, monkeypatch, caplog, answers
):
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        if answers:  # and would pass for ours
            threading.Thread(target=_answer_all, args=[owner], daemon=True).start()
        ports = [taken, module.free_port()]
        monkeypatch.setattr(module, "free_port", lambda: ports.pop(0))
        with open_endpoint(echo(tmp_path)) as endpoint:
            list(ask_all(endpoint, questions(1), journal=tmp_path))
            assert not endpoint.server.address.endswith(f":{taken}") and ports == []
    assert f"was faster at port {taken}" in caplog.text
    assert asked(tmp_path) == ["question 0"]


def test_a_port_that_is_taken_while_the_server_is_down_is_left_to_its_owner(tmp_path, monkeypatch):
    deadly = Question("deadly", [{"role": "user", "content": "deadly"}])
    launch, ports, owners, heard = module.Server._launch, [], [], []

    def launch_after_another(server):
        if ports and not owners:
            owners.append(socket.create_server(("127.0.0.1", ports[0])))
            threading.Thread(target=_answer_all, args=[*owners, heard], daemon=True).start()
        ports.append(int(server.address.rpartition(":")[2]))
        launch(server)

    monkeypatch.setattr(module.Server, "_launch", launch_after_another)
    settings = echo(tmp_path, concurrency=2, serve={"restarts": 1})
    with open_endpoint(settings) as endpoint:
        asked = [deadly, *questions(20)]
        outcomes = list(ask_all(endpoint, asked, journal=tmp_path / "journal"))
        assert not endpoint.server.address.endswith(f":{ports[0]}")
    owners[0].close()
    assert values(outcomes[1:]) == [f"question {number}" for number in range(20)]
    assert heard == []


def test_whoever_takes_the_port_of_a_server_that_ended_unnoticed_is_asked_nothing(tmp_path):
    first, second = questions(2)
    with open_endpoint(echo(tmp_path, patience=2)) as endpoint:
        list(ask_all(endpoint, [first], journal=tmp_path / "journal"))
        port, processes = int(endpoint.server.address.rpartition(":")[2]), started()
        processes[1].kill()
        until_all_have_ended(processes)
        heard = []
        with socket.create_server(("127.0.0.1", port)) as owner:
            threading.Thread(target=_answer_all, args=[owner, heard], daemon=True).start()
            outcomes = list(ask_all(endpoint, [second], journal=tmp_path / "journal"))
    assert values(outcomes) == ["question 1"] and heard == []


def _answer_all(owner: socket.socket, heard: list[bytes] | None = None) -> None:
    while True:
        try:
            connection, _ = owner.accept()
        except OSError:
            return
        if heard is not None:
            heard.append(connection.recv(1 << 16))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.close()


def test_killed_at_any_moment_it_is_started_again_and_no_more_is_asked_twice_than_was_in_flight(
    tmp_path,
):
    moments, kills, concurrency, before = random.Random(4711), 0, 4, 0
    wanted = questions(500)
    settings = echo(tmp_path, concurrency=concurrency, serve={"restarts": 1})
    with open_endpoint(settings) as endpoint:
        got = []
        for outcome in ask_all(endpoint, wanted, journal=tmp_path / "journal"):
            got.append(outcome)
            # More than can be in flight were asked since the last kill: the server is there again, and has answered.
            there = len(asked(tmp_path)) > before + concurrency
            if there and len(got) > 20 * kills and kills < 5 and len(running := started()) > 1:
                time.sleep(moments.uniform(0, 0.05))
                with contextlib.suppress(psutil.NoSuchProcess):
                    running[1].kill()
                    kills, before = kills + 1, len(asked(tmp_path))
    assert values(got) == [f"question {number}" for number in range(500)]
    assert kills == 5 and len(asked(tmp_path)) <= 500 + kills * concurrency


def test_a_question_that_kills_the_server_costs_itself_alone(tmp_path):
    deadly = Question("deadly", [{"role": "user", "content": "deadly"}])
    settings = echo(tmp_path, concurrency=2, tries=2)
    with open_endpoint(settings) as endpoint:
        outcomes = list(ask_all(endpoint, [deadly, *questions(60)], journal=tmp_path / "journal"))
    assert outcomes[0].reason == "no answer"
    assert values(outcomes[1:]) == [f"question {number}" for number in range(60)]


@pytest.mark.parametrize("restarts", [1, 3])
def test_a_question_that_kills_the_server_costs_no_other_one_and_not_the_job(tmp_path, restarts):
    """Whatever `tries` is: before the server is given up, it is asked something that is no novel's."""
    deadly = Question("deadly", [{"role": "user", "content": "deadly"}])
    slow = [Question(f"q{n}", [{"role": "user", "content": f"slow {n}"}], Echo) for n in range(5)]
    settings = echo(tmp_path, concurrency=6, backoff=0.01, serve={"restarts": restarts})
    with open_endpoint(settings) as endpoint:
        outcomes = list(ask_all(endpoint, [deadly, *slow], journal=tmp_path / "journal"))
    with open_endpoint(settings) as endpoint:
        [alone] = ask_all(endpoint, [deadly], journal=tmp_path / "another")
    assert outcomes[0].reason == alone.reason == "no answer"
    assert values(outcomes[1:]) == [f"slow {number}" for number in range(5)]
    with open_endpoint(settings, offline=True) as endpoint:
        [kept] = ask_all(endpoint, [deadly], journal=tmp_path / "journal")
    assert kept.reason == "no answer"


def test_a_server_that_dies_again_and_again_ends_the_job_with_its_words(tmp_path):
    deadly = [Question(f"q{n}", [{"role": "user", "content": f"deadly {n}"}]) for n in range(3)]
    program = ECHO.replace('"deadly" in line', "True")
    settings = served(
        [PYTHON, "-c", program, "{port}", str(tmp_path / "asked")], serve={"restarts": 2}
    )
    with (
        pytest.raises(UserError, match="started again 2 times(.|\n)*a deadly word"),
        open_endpoint(settings) as endpoint,
    ):
        list(ask_all(endpoint, deadly, journal=tmp_path / "journal"))
    assert started() == []


#: It comes up once, then not before its sixth life, which is to be never reached.
GONE = """
import sys
from pathlib import Path

lives = Path(sys.argv[2] + ".lives")
with lives.open("a") as file:
    file.write("x")
if 1 < lives.stat().st_size < 6:
    print("no device")
    sys.exit(1)
"""


def test_a_server_that_answered_once_and_comes_back_no_more_ends_the_job(tmp_path):
    notes = str(tmp_path / "asked")
    settings = served([PYTHON, "-c", GONE + ECHO, "{port}", notes], serve={"restarts": 2})
    settings |= {"concurrency": 1, "tries": 1}
    deadly = Question("deadly", [{"role": "user", "content": "deadly"}])
    with (
        pytest.raises(UserError, match="started again 2 times(.|\n)*no device"),
        open_endpoint(settings) as endpoint,
    ):
        list(ask_all(endpoint, [*questions(3), deadly], journal=tmp_path / "journal"))
    assert Path(f"{notes}.lives").read_text() == "xxx"


#: A job as a script's: it asks until it has its answers. Its server starts another process, in a session of its own.
JOB = """
import json, sys
from pathlib import Path
from llm_case import questions
from xuxie.llm import ask_all, open_endpoint, serving
from xuxie.runtime.job import log_to

log_to(None)
serving._GRACE = 1.0  # nothing of this server ends by itself
with open_endpoint(json.loads(sys.argv[1])) as endpoint:
    for outcome in ask_all(endpoint, questions(int(sys.argv[3])), journal=Path(sys.argv[2])):
        print(outcome.value.text, flush=True)
"""
SPREADING = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {LASTING!r}], start_new_session=True)
subprocess.Popen(["sh", "-c", "setsid {LASTING_IN_SHELL} &"])
"""


def begin(folder: Path, count: int) -> subprocess.Popen:
    """A job of so many questions whose server spreads."""
    folder.mkdir()
    command = [PYTHON, "-c", SPREADING + ECHO, "{port}", str(folder / "asked")]
    settings = json.dumps(served(command, concurrency=2))
    tests = str(Path(__file__).parents[1])
    environment = child_environment({**os.environ, "PYTHONPATH": tests})
    return subprocess.Popen(
        [PYTHON, "-c", JOB, settings, str(folder / "journal"), str(count)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def until_it_has_spread(job: subprocess.Popen) -> list[psutil.Process]:
    """The supervisor, the server, and both processes that it has started, once they are there."""

    def below() -> list[psutil.Process]:
        found = psutil.Process(job.pid).children(recursive=True)
        return [process for process in found if not has_ended(process)]

    return wait_until(lambda: len(below()) == 4 and below(), "all four", lambda: len(below()))


@pytest.mark.parametrize(
    ("whom", "number"),
    [("job", signal.SIGKILL), ("job", signal.SIGTERM), ("supervisor", signal.SIGKILL)],
)
def test_whatever_ends_the_job_nothing_of_its_server_stays(tmp_path, whom, number):
    job = begin(tmp_path / "work", 100_000)
    below = []
    try:
        assert job.stdout.readline() == "question 0\n"
        below = until_it_has_spread(job)
        victim = job if whom == "job" else below[0]
        victim.send_signal(number)
        if whom == "supervisor":
            job.terminate()
        job.communicate(timeout=60)
        assert job.returncode != 0
        # Without its supervisor only what has left its group stays.
        until_all_have_ended(below if whom == "job" else below[:2])
    finally:
        job.kill()
        job.communicate()
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def test_two_jobs_on_a_node_have_a_server_each(tmp_path):
    jobs = [begin(tmp_path / name, 20) for name in ("a", "b")]
    for job in jobs:
        said, _ = job.communicate(timeout=120)
        assert job.returncode == 0
        assert said.splitlines() == [f"question {number}" for number in range(20)]
    for name in ("a", "b"):
        assert sorted(asked(tmp_path / name)) == sorted(f"question {n}" for n in range(20))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["vllm", "serve", "{model}"], "not told its port"),
        (["vllm", "--port={port}"], r"part of the word '--port=\{port\}'"),
        (["vllm", "--port", "{prot}"], r"\{prot\} stands for nothing"),
        (["vllm", "{model}", "{port}"], "no model to put in the place"),
    ],
)
def test_a_command_that_cannot_work_is_refused_beforehand(command, expected):
    with pytest.raises(UserError, match=expected):
        check_command(command, has_model=False, key="endpoints.own.serve.command")


def test_words_with_braces_of_their_own_are_left_alone():
    words = ["vllm", "--override", '{"a": 1}', "{port}", 8]
    check_command(words, has_model=False, key="endpoints.own.serve.command")


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ([], None),
        (["m/model.gguf"], "m/model.gguf"),
        (["m/hf/config.json", "m/model.json"], "m/hf"),
        (["m/a.safetensors", "m/config.json"], "m"),
        (
            ["m/README.md", "m/a-00002-of-00002.gguf", "m/a-00001-of-00002.gguf"],
            "m/a-00001-of-00002.gguf",
        ),
    ],
)
def test_a_server_is_told_the_folder_of_a_model_or_its_one_file(files, path):
    assert path_of_model(files) == (path and Path(path))


def test_answers_of_other_weights_are_kept_apart(tmp_path):
    folder = tmp_path / "hf"
    folder.mkdir()
    settings = served(["serve", "{port}"])
    names = set()
    for record in ("{}", '{"other": 1}'):
        (tmp_path / "model.json").write_text(record)
        with open_endpoint(settings, folder, offline=True) as endpoint:
            names.add(endpoint.identity)
    assert len(names) == 2 and all(name.startswith("tiny@") for name in names)
