"""Whose adapter foresees whose passages: sums by hand, and which adapters are compared."""

from dataclasses import dataclass, field

import pytest
from xuxie.config.attribution import attributions_of
from xuxie.evaluation.attribution import confusion

OWNERS = ["a"] * 4 + ["b"] * 4
CHAPTERS = [("a", 1), ("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 2), ("b", 3)]


def rows(a, b):
    found = confusion(OWNERS, {"a": a, "b": b}, [100] * 8, CHAPTERS)
    return {row["adapter"]: row for row in found}


def test_a_hand_is_told_by_its_own_adapter():
    found = rows([400, 410, 420, 430, 500, 510, 500, 520], [450, 440, 470, 400, 450, 460, 455, 470])
    assert found["a"]["cheapest"]["a"]["value"] == 0.75
    assert found["a"]["cheapest"]["b"]["value"] == 0.25
    assert found["a"]["more"]["b"]["value"] == pytest.approx((50 + 30 + 50 - 30) / 400)
    assert found["b"]["cheapest"]["b"]["value"] == 1 and found["b"]["cheapest"]["b"]["low"] < 1
    assert found["b"]["more"]["a"]["low"] > 0 and found["b"]["more"]["b"]["value"] == 0
    assert found["b"]["passages"] == 4 and found["b"]["cheapest"]["b"]["chapters"] == 3


def test_a_tie_is_shared():
    found = rows([400.0] * 8, [400.0] * 8)
    for row in found.values():
        assert {share["value"] for share in row["cheapest"].values()} == {0.5}


@dataclass
class Named:
    name: str


@dataclass
class Data:
    novel_names: list[str]


@dataclass
class Lora:
    name: str
    model: Named
    dataset: Data = field(default_factory=lambda: Data([]))


def test_only_adapters_of_different_novels_on_one_model_are_compared():
    big, small = Named("big"), Named("small")
    loras = [
        Lora("one", big, Data(["x"])),
        Lora("recipe", big, Data(["x"])),
        Lora("two", big, Data(["y", "z"])),
        Lora("both", big, Data(["z", "w"])),
        Lora("alone", small, Data(["y"])),
    ]
    found = attributions_of(loras)
    assert list(found) == ["big"] and found["big"].names == ["one", "two"]
