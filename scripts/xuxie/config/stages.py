"""The stages of an adapter: one LoRA, trained on the novel's raw text (`pt`), on rows (`sft`), or on the one after the other."""

from dataclasses import dataclass

from xuxie.errors import UserError

OF_THE_LORA = (
    "lora_rank",
    "lora_alpha",
    "lora_dropout",
    "lora_target",
    "use_rslora",
    "use_dora",
    "additional_target",
)
"""LLaMA-Factory's arguments that shape the LoRA itself: a later stage takes over what the first one made."""


RECORDED = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "train.yaml",
    "trainer_log.jsonl",
    "gates.json",
    "data/ledger.json",
    "manifest.json",
)
"""The files of every stage that the adapter and its record are made of."""


@dataclass(frozen=True)
class Stage:
    """One stage of an adapter.

    Attributes:
        name: `pt` or `sft`.
        adapter, dataset: the names of both.
        before: the stage whose LoRA it goes on from; None for the first.
        train: LLaMA-Factory's arguments: its own, over the adapter's.
        tokens: the most tokens that its rows may have in all; None takes every row.
    """

    name: str
    adapter: str
    dataset: str
    before: "Stage | None"
    train: dict
    tokens: int | None

    @property
    def folder(self) -> str:
        """Where LLaMA-Factory puts what the stage makes."""
        return f"results/adapters/{self.adapter}/stages/{self.name}"

    @property
    def rows(self) -> list[str]:
        """What the dataset has for it, to train on and to watch: raw text for `pt`, rows for `sft`."""
        kind = "_text" if self.name == "pt" else ""
        return [
            f"results/datasets/{self.dataset}/{split}{kind}.jsonl" for split in ("train", "val")
        ]

    @property
    def folder_before(self) -> str | None:
        """Where the LoRA lies that it goes on from; None for the first stage."""
        return self.before.folder if self.before else None

    @property
    def adapter_before(self) -> str | list:
        """That LoRA's weights; nothing, which Snakemake writes as [], for the first stage."""
        return f"{self.before.folder}/adapter_model.safetensors" if self.before else []

    @property
    def recorded(self) -> list[str]:
        """What it leaves to the adapter."""
        return [f"{self.folder}/{file}" for file in RECORDED]


def stages_of(name: str, adapter: dict) -> dict[str, Stage]:
    """The stages of an adapter's entry in the config, in the order of training.

    Raises:
        UserError: a stage is there twice, or a later one asks for another LoRA than the first.
    """
    stages: dict[str, Stage] = {}
    key = f"config key adapters.{name}.stages"
    for entry in adapter["stages"]:
        if entry["stage"] in stages:
            raise UserError(
                f"the stage {entry['stage']} stands there twice",
                where=key,
                remedy="name it once; num_train_epochs repeats it",
            )
        stages[entry["stage"]] = Stage(
            entry["stage"],
            name,
            adapter["dataset"],
            before=next(reversed(stages.values()), None),
            train={**adapter["train"], **entry["train"]},
            tokens=adapter["tokens"] if entry["tokens"] is None else entry["tokens"],
        )
    first = next(iter(stages.values()))
    for stage in stages.values():
        for argument in OF_THE_LORA:
            if first.train.get(argument) != stage.train.get(argument):
                raise UserError(
                    f"{argument} is {first.train.get(argument)!r} in the stage {first.name}, and {stage.name} goes on with that LoRA",
                    where=f"{key}, {argument} of {stage.name}",
                    remedy=f"set it once, in adapters.{name}.train",
                )
    return stages
