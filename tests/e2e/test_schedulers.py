"""Real jobs through the profiles of schedulers that are not here: what each scheduler is asked for, and what comes of it."""

import json

import boto3
import pytest
import yaml
from moto import mock_aws
from programs import put_in_the_path

# Stand-ins: each runs what it is given, and keeps how it was asked.
QSUB = """#!/bin/sh
echo "$@" >> submitted.txt
for script; do :; done
sh "$script" > "$script.out" 2>&1 &
echo $!.server
"""
KUBECTL = """#!/bin/sh
if [ "$1" = get ]; then
    if kill -0 "${2##*-}" 2>/dev/null; then echo; else echo Complete; fi
    exit
fi
cat > job.yaml
python -c 'import subprocess, yaml; print("job.batch/xuxie-%d" % subprocess.Popen(yaml.safe_load(open("job.yaml"))["spec"]["template"]["spec"]["containers"][0]["command"], stdout=open("job.out", "w"), stderr=subprocess.STDOUT).pid)'
"""
AWS = """#!/bin/sh
if [ "$2" = describe-jobs ]; then
    if kill -0 "$4" 2>/dev/null; then echo RUNNING; else echo SUCCEEDED; fi
    exit
fi
cat > job.json
python -c 'import json, subprocess; print(subprocess.Popen(json.load(open("job.json"))["containerOverrides"]["command"], stdout=open("job.out", "w"), stderr=subprocess.STDOUT).pid)'
"""


def chunks_by(workspace, profile: str, path: str) -> None:
    """Have the chunks made by jobs of a profile."""
    wanted = "results/novels/small/chunks.jsonl"
    workspace.snakemake("--latency-wait", "5", wanted, profile=profile, PATH=path)
    assert (workspace / wanted).exists()


def test_jobs_for_a_scheduler_say_what_they_need(new_workspace, tmp_path):
    path = put_in_the_path(tmp_path, qsub=QSUB)
    chunks_by(new_workspace, "pbs", path)
    submitted = (new_workspace / "submitted.txt").read_text().splitlines()
    assert len(submitted) == 1, "the steps of a text share a job"
    assert (
        "ncpus=1:mem=" in submitted[0] and "ngpus=0" in submitted[0] and "walltime=" in submitted[0]
    )


def test_jobs_for_kubernetes_are_as_its_api_wants_them(new_workspace, tmp_path):
    path = put_in_the_path(tmp_path, kubectl=KUBECTL)
    chunks_by(new_workspace, "kubernetes", path)
    job = yaml.safe_load((new_workspace / "job.yaml").read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["spec"]["backoffLimit"] == 0 and job["spec"]["activeDeadlineSeconds"] >= 60
    pod = job["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["restartPolicy"] == "Never" and container["workingDir"] == str(new_workspace.folder)
    assert container["resources"]["requests"]["cpu"] == "1"
    assert container["resources"]["limits"]["memory"].endswith("M")
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "0"
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }


def test_jobs_for_aws_batch_are_as_its_api_wants_them(new_workspace, tmp_path):
    path = put_in_the_path(tmp_path, aws=AWS)
    chunks_by(new_workspace, "aws-batch", path)
    job = json.loads((new_workspace / "job.json").read_text(encoding="utf-8"))
    with mock_aws():  # the client itself checks every field first, against the service's own model
        batch = boto3.client("batch", region_name="us-east-1")
        with pytest.raises(batch.exceptions.ClientError, match="(?i)queue|definition"):
            batch.submit_job(**job)
        with pytest.raises(Exception, match="Parameter validation failed"):
            batch.submit_job(**job, gpus=1)
    asked = {
        need["type"]: need["value"] for need in job["containerOverrides"]["resourceRequirements"]
    }
    assert set(asked) == {"VCPU", "MEMORY"}, "AWS refuses to be asked for no GPU"
    assert asked["VCPU"] == "1" and int(asked["MEMORY"]) > 100


def test_a_refused_job_ends_the_run_with_the_reason(new_workspace, tmp_path):
    refused = "#!/bin/sh\necho 'forbidden: exceeded quota: gpus' >&2; exit 1\n"
    path = put_in_the_path(tmp_path, kubectl=refused)
    done = new_workspace.snakemake(
        "results/novels/small/chunks.jsonl", profile="kubernetes", check=False, PATH=path
    )
    assert done.returncode != 0 and "forbidden: exceeded quota: gpus" in done.stdout
