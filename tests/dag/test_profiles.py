"""The profiles: each plans the whole workflow, and what is theirs stands in them alone."""

import os
import stat

import pytest
import yaml
from workspace import REPOSITORY, jobs

QSUB = """#!/bin/sh
echo "$@" >> submitted.txt
for script; do :; done
sh "$script" > "$script.out" 2>&1 &
echo $!.server
"""


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


def test_jobs_for_a_scheduler_say_what_they_need(new_workspace, tmp_path):
    """A stand-in for qsub runs what it is given, and notes how it was asked."""
    qsub = tmp_path / "bin/qsub"
    qsub.parent.mkdir()
    qsub.write_text(QSUB)
    qsub.chmod(qsub.stat().st_mode | stat.S_IXUSR)
    path = f"{qsub.parent}:{os.environ['PATH']}"
    new_workspace.snakemake(
        "--latency-wait", "5", "results/novels/small/chunks.jsonl", profile="pbs", PATH=path
    )
    submitted = (new_workspace / "submitted.txt").read_text().splitlines()
    assert len(submitted) == 1, "the steps of a text share a job"
    assert (
        "ncpus=1:mem=" in submitted[0] and "ngpus=0" in submitted[0] and "walltime=" in submitted[0]
    )
    assert (new_workspace / "results/novels/small/chunks.jsonl").exists()
