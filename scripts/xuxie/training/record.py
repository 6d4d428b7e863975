"""An adapter as its last stage left it, and one record of all its stages."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from xuxie.files.rows import read_json, read_rows, write_json, write_rows
from xuxie.training.figure import draw_losses

OF_THE_LAST = ("adapter_model.safetensors", "adapter_config.json", "train.yaml")
"""What an adapter takes from its last stage as it is."""


def join_stages(stages: Sequence[Path], folder: Path) -> None:
    """Write the adapter and the records of its stages into its folder.

    `manifest.json` has the record of each stage with its account of rows, `gates.json` the gates of all,
    `trainer_log.jsonl` and `training_loss.png` the losses, with steps counted on from stage to stage.

    Args:
        stages: the folders of the stages, in the order of training.
        folder: the adapter's.
    """
    names = [stage.name for stage in stages]
    for file in OF_THE_LAST:
        shutil.copyfile(stages[-1] / file, folder / file)
    log = joined_log({stage.name: list(read_rows(stage / "trainer_log.jsonl")) for stage in stages})
    write_rows(folder / "trainer_log.jsonl", log)
    draw_losses(log, folder / "training_loss.png")
    write_json(folder / "gates.json", joined_gates([read_json(s / "gates.json") for s in stages]))
    records = [read_json(stage / "manifest.json") for stage in stages]
    ledgers = [read_json(stage / "data/ledger.json") for stage in stages]
    write_json(
        folder / "manifest.json",
        {
            "adapter": records[-1]["adapter"],
            "base_model": records[-1]["base_model"],
            "seconds": round(sum(record["seconds"] for record in records), 1),
            "stages": [
                {
                    "stage": name,
                    **{key: value for key, value in record.items() if key != "base_model"},
                    "rows": ledger,
                }
                for name, record, ledger in zip(names, records, ledgers, strict=True)
            ],
        },
    )


def joined_log(logs: dict[str, list[dict]]) -> list[dict]:
    """The trainer's logs one after the other, `current_steps` counted on and each entry with its `stage`."""
    joined, before = [], 0
    for stage, log in logs.items():
        joined += [
            {**entry, "stage": stage, "current_steps": before + entry["current_steps"]}
            for entry in log
        ]
        before = joined[-1]["current_steps"] if joined else 0
    return joined


def joined_gates(reports: Sequence[dict]) -> dict:
    """The gates of all stages as one report: a gate that looked at several stages appears once for each."""
    return {
        "passed": all(report["passed"] for report in reports),
        "failing": reports[-1]["failing"],
        "gates": [gate for report in reports for gate in report["gates"]],
    }
