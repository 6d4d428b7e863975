"""Fetch the sources of llama.cpp, for its converters."""

from xuxie.export.llama_cpp import fetch_archive
from xuxie.runtime.job import run_job


def fetch_llama_cpp(archive: str) -> None:
    """Put the pinned archive in place, verified."""
    fetch_archive(archive)


if __name__ == "__main__":
    run_job(fetch_llama_cpp, snakemake)
