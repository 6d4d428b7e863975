"""Look at everything that would stop an export halfway, before any of its work."""

import logging
from pathlib import Path

import yaml
from xuxie.export import readiness
from xuxie.files.rows import read_json, write_json
from xuxie.runtime.job import run_job

logger = logging.getLogger(__name__)


def check_export(
    gates: str,
    trained_with: str,
    model: list[str],
    archive: str,
    readiness_file: str,
    *,
    environment: str,
    quantisations: list[str],
    lora_gguf: bool,
    pre_tokenizer: str | None,
) -> None:
    """Check gates, base model, architecture, tools and disk.

    Args:
        gates: the adapter's gates.json.
        trained_with: its train.yaml.
        model: the base model's config.json and its record.
        archive: llama.cpp's sources.
        readiness_file: what was found.
        environment: the one that the base model runs in.
        quantisations, lora_gguf: what is to be made.
        pre_tokenizer: `export.pre_tokenizer` of the config.

    Raises:
        UserError: the first thing that is in the way.
    """
    folder, record = Path(model[0]).parent, read_json(model[1])
    readiness.check_environment(environment)
    readiness.check_gates_passed(read_json(gates), Path(gates).parent.name)
    readiness.check_base(folder, record)
    if lora_gguf:
        readiness.check_lora_convertible(
            yaml.safe_load(Path(trained_with).read_text(encoding="utf-8")), trained_with
        )
    readiness.check_tools(quantisations)
    needed = readiness.disk_needed(*readiness.weight_bytes(folder), quantisations)
    readiness.check_disk(needed, Path(readiness_file).parent)
    if quantisations or lora_gguf:
        readiness.check_convertible(folder, archive, pre_tokenizer)
    logger.info("ready: the export takes about %.1f GiB", needed / readiness.GIB)
    write_json(
        readiness_file,
        {
            "quantisations": quantisations,
            "lora_gguf": lora_gguf,
            "bytes": needed,
            "base_model": record["files"],
        },
    )


if __name__ == "__main__":
    run_job(check_export, snakemake)
