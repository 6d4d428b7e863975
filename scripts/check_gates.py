"""Rule check_gates: everything that would make a stage fail without an error, found before it starts."""

import logging
from pathlib import Path

import yaml
from xuxie.files.rows import read_rows, write_json
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training.arguments import parse_arguments
from xuxie.training.checks import feature_gate, stage_gates
from xuxie.training.gates import refuse_failed, report

logger = logging.getLogger(__name__)


def check_gates(
    yaml_file: str,
    train: str,
    gates: str,
    asking: dict,
    failing: str,
    memory: float | None,
    devices: int = 1,
) -> None:
    """Check what is asked of packages and device, and the rows, the template, the tokenizer and the memory of a stage.

    Args:
        yaml_file: the rendered arguments.
        train: the rows to train on.
        gates: the report of what was found, gates.json.
        asking: how the tuned model will be asked; see `stage_gates`.
        failing: `refuse` or `warn`, what to do if a gate fails.
        memory: of the device that trains, in GiB; None for this machine's.
        devices: how many of them train at once.

    Raises:
        UserError: something that is asked for is missing, LLaMA-Factory refuses the arguments, or a gate failed and `failing` is
            `refuse`.
    """
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    features = feature_gate(arguments, memory)
    parse_arguments(arguments)
    rows = list(read_rows(train))
    results = stage_gates(arguments, rows, asking=asking, memory=memory, devices=devices)
    results.insert(0, features)
    for result in results:
        logger.info("%s", result)
    if failing == "refuse":
        refuse_failed(results, where=yaml_file)
    write_json(gates, {**report(results), "failing": failing})


if __name__ == "__main__":
    run_job(in_environment(check_gates), snakemake)
