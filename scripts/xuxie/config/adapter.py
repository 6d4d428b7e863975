"""An adapter of the configuration: how it is trained and asked."""

import os
from dataclasses import dataclass

from xuxie.config.dataset import Dataset
from xuxie.config.model import Model
from xuxie.config.stages import Stage


@dataclass(frozen=True)
class Adapter:
    """A LoRA of a model, trained on a dataset.

    Attributes:
        stages: what its LoRA is trained on, by name, in the order of training.
        gates: what a failed gate does: `refuse` or `warn`.
        memory: of the device that trains, in GiB; None for this machine's.
        gpus, nodes: GPUs of each node, and how many nodes.
        trained_template: what its rows are worded with: its model's template, unless it is an experiment.
        asked_template: what it and its base model are asked with: their own, unless the sampling is an experiment.
        system: the system prompt that it is asked with; None if none.
        asking: how it is asked, as far as its rows must be worded alike.
    """

    name: str
    dataset: Dataset
    model: Model
    stages: dict[str, Stage]
    gates: str
    memory: float | None
    gpus: int
    nodes: int
    trained_template: str
    asked_template: str
    system: str | None
    asking: dict

    @property
    def all_gpus(self) -> int:
        """The GPUs of all nodes."""
        return self.gpus * self.nodes

    @property
    def folder(self) -> str:
        """Where everything of it goes."""
        return f"results/adapters/{self.name}"

    @property
    def stage_folders(self) -> list[str]:
        """The folders of its stages, in the order of training."""
        return [stage.folder for stage in self.stages.values()]

    @property
    def stage_files(self) -> list[str]:
        """What its stages leave to it."""
        return [file for stage in self.stages.values() for file in stage.recorded]

    @property
    def trained_on(self) -> list[str]:
        """All that it may have learnt from: what its dataset has for each of its stages."""
        return [stage.rows[0] for stage in self.stages.values()]

    @property
    def files_as_rival(self) -> list[str]:
        """What is loaded of it where another adapter is compared with it."""
        own = [f"{self.folder}/{file}" for file in ("adapter_model.safetensors", "train.yaml")]
        return [*own, *self.model.files]

    @property
    def as_rival(self) -> dict:
        """What the sampling of another adapter must know of it."""
        return {
            "adapter": self.folder,
            "model": os.path.dirname(self.model.config_file),
            "template": self.asked_template,
            "history_turns": self.dataset.history_turns,
            "state": bool(self.dataset.cast),
            "trust_remote_code": self.model.trust_remote_code,
        }

    @property
    def as_estimated(self) -> dict:
        """What must be known of it to foresee what it will learn and take."""
        model = self.model
        own_folder = [model.source_name] if model.source == "path" else []
        return {
            "dataset": self.dataset.name,
            "folders": [os.path.dirname(model.config_file), *own_folder],
            "record": model.files[1],
            "source_name": model.source_name,
            "environment": model.environment,
            "trust_remote_code": model.trust_remote_code,
            "template": self.trained_template,
            "stages": [
                {"stage": stage.name, "train": stage.train, "tokens": stage.tokens}
                for stage in self.stages.values()
            ],
            "asking": self.asking,
            "memory": self.memory,
            "gpus": self.gpus,
            "nodes": self.nodes,
        }
