"""A training run at the size of a test, through the scripts of its rules and without Snakemake."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from check_gates import check_gates
from fit_rows import fit_rows
from link_model import link_model
from render_training import render_training
from train_adapter import train_adapter
from workspace import REPOSITORY
from xuxie.files.rows import read_json, write_rows


def schema_defaults() -> dict:
    """The training arguments that the schema fills in."""
    schema = yaml.safe_load((REPOSITORY / "config/schema.yaml").read_text(encoding="utf-8"))
    arguments = schema["$defs"]["adapter"]["properties"]["train"]["properties"]
    return {
        name: argument["default"] for name, argument in arguments.items() if "default" in argument
    }


def texts_of(text: str, size: int) -> list[dict]:
    """Stretches of raw text as of so many chapters, each of the size given."""
    return [
        {
            "text": text[start : start + size],
            "id": f"small-c{number}",
            "novel": "small",
            "chapter": number,
            "span": [start, start + len(text[start : start + size])],
        }
        for number, start in enumerate(range(0, len(text), size), 1)
    ]


def rows_of(text: str, count: int, *, prompt: int = 60, completion: int = 60) -> list[dict]:
    """Alpaca rows cut one after the other from a text, with lengths that differ a little."""
    rows, at = [], 0
    for number in range(count):
        middle = at + prompt + number * 7 % 40
        end = middle + completion + number * 11 % 50
        rows.append(
            {
                "instruction": "续写以下小说片段：",
                "input": text[at:middle],
                "output": text[middle:end],
                "system": "你是一个严谨的故事续写专家，为用户的输入进行续写",
                "history": [],
                "id": f"small-p{number}",
                "novel": "small",
                "chapter": 1,
                "length": "short",
                "span": [at, end],
                "completion_span": [middle, end],
            }
        )
        at = end
    return rows


@dataclass
class TrainingRun:
    """One stage of an adapter in a folder of its own, which must be the working directory: paths are those of the workflow.

    `rows` are Alpaca rows, or stretches of text for the stage `pt`; the last two are watched.
    """

    model_path: Path
    rows: list[dict]
    stage: str = "sft"
    before: str | None = None
    tokens: int | None = None
    name: str = "small"
    template: str = "qwen"
    asked_template: str | None = None
    system: str | None = None
    gates: str = "refuse"
    trust_remote_code: bool = False
    train: dict = field(default_factory=dict)
    asking: dict = field(default_factory=dict)

    def __post_init__(self):
        self.folder = Path("results/adapters", self.name, "stages", self.stage)
        self.model = ["results/models/tiny/hf/config.json", "results/models/tiny/model.json"]
        (self.folder / "data").mkdir(parents=True, exist_ok=True)

    def __truediv__(self, file: str) -> str:
        return str(self.folder / file)

    def prepare(self) -> "TrainingRun":
        """Link the model, render the YAML and fit the rows."""
        Path(self.model[0]).parent.mkdir(parents=True, exist_ok=True)
        link_model(
            *self.model,
            name=str(self.model_path),
            template=self.template,
            trust_remote_code=self.trust_remote_code,
        )
        train = {
            **schema_defaults(),
            "per_device_train_batch_size": 2,
            "logging_steps": 1,
            **self.train,
        }
        render_training(
            self / "train.yaml",
            train,
            self.stage,
            str(self.folder.with_name(self.before)) if self.before else None,
            self.template,
            self.trust_remote_code,
            "small",
            "tiny",
        )
        Path("results/datasets/small").mkdir(parents=True, exist_ok=True)
        sources = ["results/datasets/small/train.jsonl", "results/datasets/small/val.jsonl"]
        write_rows(sources[0], self.rows[:-2])
        write_rows(sources[1], self.rows[-2:])
        fit_rows(
            self / "train.yaml",
            sources,
            sources[0],
            self / "data/dataset_info.json",
            self / "data/ledger.json",
            self.fitted,
            self.tokens,
        )
        return self

    def check(self) -> dict:
        """Run the gates; their report."""
        check_gates(
            self / "train.yaml",
            self.fitted[0],
            self / "gates.json",
            asking={
                "template": self.asked_template or self.template,
                "system": self.system,
                "target_chars": 0,
                "max_new_tokens": 300,
                "batch_size": 8,
                "history_turns": 0,
                **self.asking,
            },
            failing=self.gates,
            memory=None,
        )
        return read_json(self / "gates.json")

    def run(self) -> dict:
        """Train; the manifest."""
        train_adapter(**self.train_arguments)
        return read_json(self / "manifest.json")

    @property
    def fitted(self) -> list[str]:
        return [self / "data/train.jsonl", self / "data/val.jsonl"]

    @property
    def train_arguments(self) -> dict:
        """What the rule hands to its script."""
        return {
            "yaml_file": self / "train.yaml",
            "train": self.fitted[0],
            "val": self.fitted[1],
            "model": self.model,
            "before": (
                str(self.folder.with_name(self.before) / "adapter_model.safetensors")
                if self.before
                else []
            ),
            "threads": 1,
            "gpus": 1,
            "nodes": 1,
        }


if __name__ == "__main__":  # train in a process of its own, for tests that kill it
    import json

    from xuxie.runtime.job import log_to

    log_to(None)
    train_adapter(**json.loads(sys.argv[1]))
