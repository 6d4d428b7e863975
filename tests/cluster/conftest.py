"""The cluster that these tests share."""

import pytest
from cluster.slurm_cluster import SlurmCluster, why_not


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running Slurm; its commands find it in the environment."""
    if reason := why_not():
        pytest.skip(reason)
    with (
        SlurmCluster(tmp_path_factory.mktemp("slurm")) as started,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in started.environment.items():
            patch.setenv(name, value)
        yield started
