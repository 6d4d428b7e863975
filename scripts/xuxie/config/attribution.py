"""Adapters of several novels on one base model, which read each other's held-out passages."""

from collections.abc import Iterable
from dataclasses import dataclass

from xuxie.config.adapter import Adapter
from xuxie.config.model import Model


@dataclass(frozen=True)
class Attribution:
    """Some adapters of a model, no two of which have learnt from one novel, in the order of the configuration."""

    model: Model
    adapters: tuple[Adapter, ...]

    @property
    def names(self) -> list[str]:
        """The names of the adapters."""
        return [adapter.name for adapter in self.adapters]

    @property
    def weights(self) -> list[str]:
        """The file of weights of each adapter."""
        return [f"{adapter.folder}/adapter_model.safetensors" for adapter in self.adapters]

    @property
    def trained_with(self) -> list[str]:
        """What is read beside the weights."""
        return [
            f"{adapter.folder}/{file}"
            for adapter in self.adapters
            for file in ("adapter_config.json", "train.yaml")
        ]

    @property
    def passages(self) -> list[str]:
        """Held-out passages of each adapter's novels."""
        return [adapter.dataset.exam_passages for adapter in self.adapters]

    @property
    def test(self) -> list[str]:
        """The test rows of each adapter's dataset."""
        return [adapter.dataset.test for adapter in self.adapters]

    @property
    def templates(self) -> list[str]:
        """The template that each adapter is asked with."""
        return [adapter.asked_template for adapter in self.adapters]


def attributions_of(adapters: Iterable[Adapter]) -> dict[str, Attribution]:
    """By the name of a model, those of its adapters that are compared: of several that share a novel the first; models with one alone have none."""
    found: dict[str, list[Adapter]] = {}
    known: dict[str, set[str]] = {}
    for adapter in adapters:
        seen = known.setdefault(adapter.model.name, set())
        if seen.isdisjoint(adapter.dataset.novel_names):
            seen.update(adapter.dataset.novel_names)
            found.setdefault(adapter.model.name, []).append(adapter)
    return {
        model: Attribution(chosen[0].model, tuple(chosen))
        for model, chosen in found.items()
        if len(chosen) > 1
    }
