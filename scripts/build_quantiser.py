"""Build llama-quantize."""

from xuxie.export.llama_cpp import build_quantiser as build
from xuxie.runtime.job import run_job


def build_quantiser(archive: str, binary: str, threads: int) -> None:
    """Compile llama.cpp's own quantiser out of its sources; once, for all adapters."""
    build(archive, binary, threads)


if __name__ == "__main__":
    run_job(build_quantiser, snakemake)
