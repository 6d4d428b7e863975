"""The profiles: each plans the whole workflow, and what is theirs stands in them alone."""

import json
import os
import subprocess

import pytest
import yaml
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
