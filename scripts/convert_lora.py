"""Turn the adapter alone into a GGUF."""

from pathlib import Path

from xuxie.export.llama_cpp import convert
from xuxie.runtime.job import run_job


def convert_lora(adapter: str, model: list[str], archive: str, gguf: str) -> None:
    """Convert with llama.cpp's own converter, for servers that put a LoRA on the base model's GGUF.

    Args:
        adapter: the exported adapter's weights; its config lies beside them.
        model: the base model's config.json and its record.
        archive: llama.cpp's sources.
    """
    convert(
        archive,
        "convert_lora_to_gguf.py",
        "--base",
        Path(model[0]).parent,
        "--outfile",
        gguf,
        "--outtype",
        "f16",
        Path(adapter).parent,
    )


if __name__ == "__main__":
    run_job(convert_lora, snakemake)
