"""Fetch the GGUF of an embedded model."""

from xuxie.models.catalogue import embedded_model, fetch
from xuxie.runtime.job import run_job


def fetch_model(gguf: str, name: str) -> None:
    """Put the embedded model's GGUF in place, verified.

    Args:
        gguf: where to put it.
        name: the model's name in the catalogue.
    """
    fetch(embedded_model(name), gguf)


if __name__ == "__main__":
    run_job(fetch_model, snakemake)
