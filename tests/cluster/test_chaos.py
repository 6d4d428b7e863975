"""A short chaos on Slurm: jobs, the controller and snakemake are killed; nothing is lost, paid for twice or different."""

import json
import subprocess
import sys

import pytest
from cluster.slurm_cluster import why_not
from workspace import REPOSITORY

pytestmark = pytest.mark.slurm


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path):
    if reason := why_not():
        pytest.skip(reason)
    script = str(REPOSITORY / "benchmarks/scale/chaos.py")
    small = ["--novels", "3", "--kills", "6", "--gap", "4", "--slurm"]
    out = tmp_path / "outcome.json"
    done = subprocess.run(
        [sys.executable, script, str(tmp_path / "chaos"), *small, "--out", str(out)],
        capture_output=True,
        text=True,
    )
    assert out.exists(), done.stderr
    outcome = json.loads(out.read_text())
    assert outcome["kills"], "it was over before it was disturbed"
    assert outcome["compared"] > 20
    assert (outcome["lost"], outcome["paid_twice"], outcome["different"]) == (0, 0, [])
