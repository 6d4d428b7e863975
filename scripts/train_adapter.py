"""Train a LoRA adapter with LLaMA-Factory's own command."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import yaml
from xuxie.errors import UserError
from xuxie.job import run_job
from xuxie.training.arguments import machine_arguments

log = logging.getLogger(__name__)


def train_adapter(yaml_file: str, adapter: str, threads: int, **_files: str) -> None:
    """Run LLaMA-Factory on the rendered YAML; its output goes to this job's log as it comes.

    Args:
        yaml_file: the rendered arguments.
        adapter: the adapter's weights, which LLaMA-Factory writes with the other outputs beside them.
        threads: how many threads may compute.
    """
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    overrides = [f"{name}={str(value).lower()}" for name, value in machine_arguments(arguments).items()]
    command = [sys.executable, "-m", "xuxie.training.launcher", "train", yaml_file, *overrides]
    scripts = str(Path(__file__).resolve().parent)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [scripts, os.environ.get("PYTHONPATH")])),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(Path(adapter).parent / "cache"),
    }
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        log.info("%s", line.rstrip())
    if process.wait() != 0:
        raise UserError(
            f"LLaMA-Factory ended with exit status {process.returncode}",
            where=yaml_file,
            remedy="see the lines above; checkpoints are kept, and the next run goes on from the last one",
        )


if __name__ == "__main__":
    run_job(train_adapter, snakemake)  # noqa: F821
