"""Make a smaller GGUF from the 16-bit one."""

from xuxie.export.llama_cpp import quantise
from xuxie.runtime.job import run_job


def quantise_gguf(source: str, binary: str, gguf: str, quantisation: str, threads: int) -> None:
    """Quantise with llama.cpp's own tool.

    Args:
        source: the f16 GGUF.
        binary: llama-quantize.
        quantisation: one of those that it makes.
    """
    quantise(binary, source, gguf, quantisation, threads)


if __name__ == "__main__":
    run_job(quantise_gguf, snakemake)
