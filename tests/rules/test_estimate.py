"""`snakemake estimate` tells all before anything is spent, and what it says is what comes out."""

import re

import pytest
from workspace import Workspace
from xuxie.files.rows import read_json

LEDGER = "results/adapters/small/stages/sft/data/ledger.json"
SAID = re.compile(r"sft: ([\d.]+)% of the training chapters carries loss, ([\d,]+) of ([\d,]+)")


def coverage(output: str) -> tuple[float, int, int]:
    """The share, the characters that carry loss and all characters, as printed."""
    share, covered, characters = SAID.search(output).groups()
    return float(share) / 100, *(int(count.replace(",", "")) for count in (covered, characters))


def minutes(output: str, work: str) -> tuple[float, str]:
    """What is printed of a work: minutes, and where they are from."""
    found = re.search(rf"^  {work}: about ([\d.]+) minutes \((.*)\)$", output, re.MULTILINE)
    return float(found[1]), found[2]


def test_coverage_is_the_ledger_s_and_minutes_come_from_the_run_before(walked_copy, endpoint):
    asked = len(endpoint.bodies)
    said = walked_copy.snakemake("estimate").stdout
    assert len(endpoint.bodies) == asked, "an estimate asks nothing"
    share, covered, characters = coverage(said)
    of_dataset = read_json(walked_copy / "results/datasets/small/ledger.json")
    of_dataset = of_dataset["novels"]["small"]["coverage"]
    assert (covered, characters) == (of_dataset["carrying_loss"], of_dataset["characters"])
    assert share == pytest.approx(of_dataset["share"], abs=1e-4)
    assert covered == read_json(walked_copy / LEDGER)["coverage"]["covered"]
    for work in ("sft: training", "sampling, at most", "evaluation"):
        took, source = minutes(said, work)
        assert took > 0 and "in an earlier run" in source
    assert re.search(r"memory: training about [\d.]+ GiB, sampling about [\d.]+ GiB", said)
    assert said.count("generator") == 1


def test_a_budget_shows_in_the_estimate_before_it_shows_in_the_ledger(walked_copy, small_config):
    adapter = {**small_config["adapters"]["small"], "tokens": 2000}
    walked_copy.configure({**small_config, "adapters": {"small": adapter}})
    share, covered, _ = coverage(walked_copy.snakemake("estimate_training").stdout)
    walked_copy.snakemake(LEDGER)
    assert covered == read_json(walked_copy / LEDGER)["coverage"]["covered"] > 0
    assert share < 0.5


@pytest.mark.parametrize(
    ("generator", "cuts"),
    [("loopback", ["pairs", "structure"]), ("loopback", ["pairs"]), (None, ["structure"])],
)
def test_nothing_needs_to_be_there(tmp_path, small_config, novel_text, endpoint, generator, cuts):
    config = {**small_config, "datasets": {"small": {"novels": ["small"], "rows": {"cuts": cuts}}}}
    config["pairs"] = {**small_config["pairs"], "generator": generator}
    workspace = Workspace.make(tmp_path / "work", config, novel_text)
    asked = len(endpoint.bodies)
    said = workspace.snakemake("estimate").stdout
    assert len(endpoint.bodies) == asked
    share, _, _ = coverage(said)
    assert 0 < share < 0.9 if cuts == ["pairs"] else share > 0.9
    assert ("at most so much" in said) == (cuts == ["pairs"])
    assert ("No LLM is asked" in said) == (generator is None)
    for work in ("sft: training", "sampling, at most", "evaluation"):
        assert "assumed" in minutes(said, work)[1]
    assert not (workspace / "results/models").exists(), "no model is fetched"
