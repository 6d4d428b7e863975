"""Turn the merged model into a GGUF."""

from pathlib import Path

from xuxie.export.llama_cpp import convert
from xuxie.runtime.job import run_job


def convert_gguf(
    merged: str,
    archive: str,
    gguf: str,
    quantisation: str,
    pre_tokenizer: str | None,
) -> None:
    """Convert with llama.cpp's own converter.

    Args:
        merged: the merged folder's config.json.
        archive: llama.cpp's sources.
        quantisation: one that the converter writes itself.
        pre_tokenizer: `export.pre_tokenizer` of the config.
    """
    convert(
        archive,
        "convert_hf_to_gguf.py",
        Path(merged).parent,
        "--outfile",
        gguf,
        "--outtype",
        quantisation,
        pre_tokenizer=pre_tokenizer,
    )


if __name__ == "__main__":
    run_job(convert_gguf, snakemake)
