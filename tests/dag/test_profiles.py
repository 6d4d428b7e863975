"""The profiles: each plans the whole workflow, and what is theirs stands in them alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from patience import wait_until
from programs import put_in_the_path
from workspace import REPOSITORY, jobs
from xuxie.errors import UserError
from xuxie.runtime.submission import filled

PROFILES = sorted(path.name for path in (REPOSITORY / "profiles").iterdir())
assert "default" in PROFILES


def test_every_profile_plans_the_whole_workflow(new_workspace):
    planned = {name: jobs(new_workspace.plan(profile=name).stdout) for name in PROFILES}
    assert planned["default"]["train_adapter"] == 1
    for name in PROFILES:
        assert planned[name] == planned["default"], name


@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_repeats_paid_work(name):
    settings = yaml.safe_load((REPOSITORY / "profiles" / name / "config.yaml").read_text())
    assert settings["rerun-triggers"] == ["mtime", "params", "input"]
    assert settings["rerun-incomplete"] is True
    assert settings["resources"]["gpu"] >= 1


@pytest.mark.parametrize("profile, program", [("kubernetes", "kubectl"), ("aws-batch", "aws")])
@pytest.mark.parametrize(
    "ended, told",
    [("well", "success"), ("badly", "failed"), ("gone", "failed"), ("down", "running")],
)
def test_how_a_job_ended_is_told(tmp_path, profile, program, ended, told):
    """A job that nobody knows any more has failed; while the service is down nothing has."""
    answers = {
        "kubectl": {
            "well": "echo SuccessCriteriaMet Complete",
            "badly": "echo FailureTarget Failed",
            "gone": "echo 'Error from server (NotFound): jobs.batch not found' >&2; exit 1",
            "down": "echo 'Unable to connect to the server' >&2; exit 1",
        },
        "aws": {
            "well": "echo SUCCEEDED",
            "badly": "echo FAILED",
            "gone": "echo None",
            "down": "echo 'Could not connect to the endpoint URL' >&2; exit 255",
        },
    }
    path = put_in_the_path(tmp_path, **{program: f"#!/bin/sh\n{answers[program][ended]}\n"})
    said = subprocess.run(
        [REPOSITORY / "profiles" / profile / "status.sh", "job-1"],
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert said.stdout == f"{told}\n"


ENDED = """
import os, signal, sys, time
ended = []
signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
open("ready", "w").close()
while not ended:
    time.sleep(0.05)
time.sleep(0.5)
open("kept", "w").write("what was on the wire")
"""


@pytest.fixture(params=["kubernetes", "aws-batch"])
def first_process(request, tmp_path, monkeypatch):
    """Starts a script as a container of a profile does, as the first process of its namespace."""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    started = []
    tried = subprocess.run([*namespace, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no namespace of processes can be made here: {tried.stderr.strip()}")
    monkeypatch.chdir(tmp_path)

    def start(content: str) -> subprocess.Popen:
        script = tmp_path / "job.sh"
        properties = json.dumps({"rule": "r", "threads": 1, "resources": {}})
        script.write_text(f"#!/bin/sh\n# properties = {properties}\n{content}")
        folder = REPOSITORY / "profiles" / request.param
        if request.param == "kubernetes":
            job = yaml.safe_load(filled(folder / "job.yaml", script))
            [container] = job["spec"]["template"]["spec"]["containers"]
            command = container["command"]
        else:
            job = json.loads(filled(folder / "job.json", script))
            command = job["containerOverrides"]["command"]
        started.append(subprocess.Popen([*namespace, *command]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("status", [0, 7])
def test_a_container_ends_as_its_job_does(first_process, status):
    assert first_process(f"sh -c 'exit {status}'\n").wait() == status


def test_a_container_that_is_ended_waits_for_what_is_on_the_wire(first_process, tmp_path):
    (tmp_path / "call.py").write_text(ENDED)
    job = first_process(f"{sys.executable} call.py\ntouch went-on\n")
    wait_until((tmp_path / "ready").exists, "the call", lambda: job.poll())
    [first] = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    os.kill(int(first), signal.SIGTERM)
    assert job.wait(60) == 143
    assert (tmp_path / "kept").exists() and not (tmp_path / "went-on").exists()


def test_what_a_template_asks_for_and_nobody_knows_is_named(tmp_path):
    script, template = tmp_path / "job.sh", tmp_path / "job.yaml"
    properties = {"rule": "cut_chunks", "threads": 2, "resources": {"mem_mb": 500, "runtime": 10}}
    script.write_text(f"#!/bin/sh\n# properties = {json.dumps(properties)}\ntrue\n")
    template.write_text("cpu: $threads, seconds: $seconds, cost: $$1, step: $name")
    assert yaml.safe_load(f"{{{filled(template, script)}}}") == {
        "cpu": "2", "seconds": 600, "cost": "$1", "step": "cut-chunks"
    }  # fmt: skip
    template.write_text("queue: $queue")
    with pytest.raises(UserError, match=r"(?s)queue.*\$\$"):
        filled(template, script)
    script.write_text("#!/bin/sh\ntrue\n")
    with pytest.raises(UserError, match="no job script"):
        filled(template, script)
