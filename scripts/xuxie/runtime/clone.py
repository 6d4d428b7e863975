"""The clone of the workflow that this package lies in."""

import os
from collections.abc import Mapping
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
REPOSITORY = SCRIPTS.parent


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with which a child process of a job finds this package.

    Under `--sdm conda` it is not installed: clones may share a conda environment, and an
    installation would serve them all with the package of one. Snakemake puts the folder of its
    script on a job's own path, but not on the path of the job's children.
    """
    path = [str(SCRIPTS), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}
