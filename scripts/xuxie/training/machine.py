"""What a run depends on besides its inputs: packages and hardware. `python -m xuxie.training.machine train.yaml` prints it as JSON.

It runs in the interpreter and on the machine that trains, before anything else does there, and tries what the arguments ask for.
"""

import json
import os
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

DECIDING = (
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "trl",
    "accelerate",
    "datasets",
    "llamafactory",
    "liger-kernel",
    "flash-attn",
    "bitsandbytes",
)
"""The packages whose versions change what training computes."""


def describe() -> dict:
    """Packages with versions, processor, memory and GPUs, and the precision that they train fastest in."""
    import psutil
    import torch

    from xuxie.models.loading import best_dtype

    gpus = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": dict(
            sorted(
                {found.metadata["Name"]: found.version for found in distributions()}.items(),
                key=lambda item: item[0].lower(),
            )
        ),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": psutil.virtual_memory().total,
        "gpus": [{"name": gpu.name, "memory": gpu.total_memory} for gpu in gpus],
        "precision": str(best_dtype(large_products=True)).removeprefix("torch."),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor()


def main() -> None:
    """Print the description, and under `missing` what the arguments ask for and the machine cannot provide."""
    import yaml

    from xuxie.training.features import missing

    arguments = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    config = json.loads(Path(arguments["model_name_or_path"], "config.json").read_text())
    faults = missing(arguments, config["model_type"], here=True)
    print(json.dumps({**describe(), "missing": faults}))


if __name__ == "__main__":
    main()
