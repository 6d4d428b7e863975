"""The command and environment that start a training, on one device, several, or several machines."""

import json
import os
import sys
from pathlib import Path

from xuxie.runtime.clone import child_environment


def launch(
    yaml_file: str,
    overrides: dict,
    *,
    threads: int,
    gpus: int,
    nodes: int,
    cache: str,
    environment: dict[str, str],
    python: str = sys.executable,
) -> tuple[list[str], dict[str, str]]:
    """The command, and the environment that it runs in.

    Args:
        yaml_file: the rendered arguments.
        overrides: arguments that only this machine could tell.
        threads: of the processor, for each process.
        gpus: on each node; several are used through torchrun.
        nodes: how many machines; several are reached through Slurm's `srun`, inside the job's allocation.
        cache: a folder for tokenised rows.
        environment: of this process.
        python: the interpreter that trains.

    Returns:
        the command, and the environment it needs in whole.
    """
    command = [
        python,
        "-m",
        "xuxie.training.launcher",
        "train",
        yaml_file,
        # LLaMA-Factory reads a value as YAML, of which JSON is a part.
        *(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in overrides.items()),
    ]
    settings = {
        # torchrun is looked for on the path.
        "PATH": os.pathsep.join(filter(None, [str(Path(python).parent), environment.get("PATH")])),
        "PYTHONHASHSEED": "0",  # a set's order decides the order of target_modules in adapter_config.json
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": cache,
        "LLAMAFACTORY_VERBOSITY": environment.get("LLAMAFACTORY_VERBOSITY", "WARN"),
    }
    if "CUDA_VISIBLE_DEVICES" not in environment and "SLURM_JOB_ID" not in environment:
        settings["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, range(gpus)))
    if gpus > 1 or nodes > 1:
        settings |= {"FORCE_TORCHRUN": "1", "NPROC_PER_NODE": str(gpus), "NNODES": str(nodes)}
    if nodes > 1:
        settings |= {
            "MASTER_ADDR": environment.get("SLURM_LAUNCH_NODE_IPADDR", "127.0.0.1"),
            "MASTER_PORT": "29400",
        }
        command = [
            "srun",
            "--overlap",
            f"--nodes={nodes}",
            f"--ntasks={nodes}",
            "--ntasks-per-node=1",
            *command,
        ]
    return command, child_environment(environment) | settings


def sharding_environment(arguments: dict) -> dict[str, str]:
    """What `accelerate launch` would set for FSDP: with it a model is shared out as it is loaded, and never whole on every device.

    Args:
        arguments: LLaMA-Factory's.
    """
    return {"ACCELERATE_USE_FSDP": "true"} if arguments.get("fsdp") else {}
