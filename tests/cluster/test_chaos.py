"""A short chaos on Slurm: jobs, the controller and snakemake are killed; nothing is lost, paid for twice or different.

The long one is benchmarks/scale/chaos.py.
"""

import sys

import pytest
from workspace import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks/scale"))

from chaos import Plan, chaos  # noqa: E402

pytestmark = pytest.mark.slurm


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(cluster, tmp_path):
    outcome = chaos(tmp_path, Plan(kills=6, gap=4.0), novels=3, cluster=cluster)
    assert outcome.kills and outcome.controllers == 1, "it was over before it was disturbed"
    assert outcome.compared > 20
    assert outcome.good, outcome
