"""Rule join_stages: the adapter as its last stage left it, and one record of all stages."""

from pathlib import Path

from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training import record


def join_stages(manifest: str, *, folders: list[str]) -> None:
    """Join the folders of the stages into the manifest's; see `record.join_stages`."""
    record.join_stages([Path(folder) for folder in folders], Path(manifest).parent)


if __name__ == "__main__":
    run_job(in_environment(join_stages), snakemake)
