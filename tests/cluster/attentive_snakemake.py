"""Snakemake, whose executor looks at its jobs every two seconds.

Slurm's executor waits ten seconds longer each time that it has found no job ended. That is kind to a cluster of many
users, and would be most of the time that a test on a cluster of its own takes.
"""

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda _: 2, lambda *_: None)

if __name__ == "__main__":
    main()
