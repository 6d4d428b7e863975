"""What the programs under benchmarks/ reckon, apart from what they measure."""

import importlib.util
import itertools
from types import ModuleType, SimpleNamespace

import yaml
from workspace import REPOSITORY


def program(path: str, monkeypatch) -> ModuleType:
    """A program of benchmarks/ as a module, which may import those beside it."""
    file = REPOSITORY / "benchmarks" / path
    monkeypatch.syspath_prepend(str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_tenth_kill_is_snakemake_itself(monkeypatch, tmp_path):
    chaos = program("scale/chaos.py", monkeypatch)
    # Now and then no job runs, and the count of kills stays where it is.
    found = itertools.cycle([[], [], [1]])
    monkeypatch.setattr(chaos, "scripts_running_in", lambda folder: next(found))
    monkeypatch.setattr(chaos.os, "kill", lambda process, signal: None)
    plan = chaos.Plan(kills=200, gap=1e-9)
    disturbed = chaos.Disturbed(SimpleNamespace(folder=tmp_path), plan, [], None)
    disturbed._run = SimpleNamespace(kill=lambda: None)
    disturbed._disturb()
    assert (disturbed.outcome.kills, disturbed.outcome.snakemakes) == (200, 20)


def test_the_base_model_of_an_adapter_is_found_whatever_its_source(monkeypatch, tmp_path):
    run = program("temporary/run.py", monkeypatch)
    adapter = tmp_path / "adapters/mine"
    adapter.mkdir(parents=True)
    said = {"model_name_or_path": "results/models/own-key/hf"}
    (adapter / "train.yaml").write_text(yaml.safe_dump(said))
    assert run.base_model(tmp_path, "mine") == tmp_path / "models/own-key/hf"
