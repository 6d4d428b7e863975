"""What becomes of batches whose datasets leave the configuration. No workflow runs here: a batch's results are put there."""

import json

import pytest
import run_batches
import yaml

BOOKS = ("good", "bad", "last")


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A folder for batches of one dataset; those with a dataset named bad fail, with half of its results made."""

    def run(folder, config: str, arguments: list[str], lock) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        (folder / "journal").mkdir(exist_ok=True)
        (folder / f"journal/{folder.name}.jsonl").touch()
        datasets = yaml.safe_load(config)["datasets"]
        for name in datasets:
            write(folder / f"results/datasets/{name}/train.jsonl")
            write(folder / f"results/novels/{name}/text.txt")
        return "bad" not in datasets

    monkeypatch.setattr(run_batches, "run", run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(file) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def run_with(library, *books: str, size: int = 1) -> list[str]:
    """Run the batches of a configuration with these novels, a dataset of each."""
    config = {"novels": {name: {"path": f"{name}.txt"} for name in books}}
    (library / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (library / "batches").mkdir(exist_ok=True)
    return run_batches.run_all(library / "batches", library / "config.yaml", size, [], None)


def merged(library) -> set[str]:
    """The datasets of the merged results, which are those of its novels too."""
    run_batches.merge(library / "batches", library / "all")
    datasets, novels = (
        {folder.name for folder in (library / "all/results" / kind).iterdir()}
        for kind in ("datasets", "novels")
    )
    assert datasets == novels
    return datasets


def test_a_failed_batch_that_left_the_configuration_does_not_stand_in_the_way(library, capsys):
    assert run_with(library, *BOOKS) == ["batch-0002"]
    assert run_with(library, "good", "last") == []
    state = json.loads((library / "batches/batches.json").read_text())
    assert [entry["datasets"] for entry in state.values()] == [["good"], [], ["last"]]
    assert merged(library) == {"good", "last"}
    assert "batch-0002" in capsys.readouterr().out, "what is left out was not said"
    answers = {file.name for file in (library / "all/journal").glob("*.jsonl")}
    assert answers == {"batch-0001.jsonl", "batch-0002.jsonl", "batch-0003.jsonl"}


def test_what_was_made_and_left_the_configuration_is_not_merged(library):
    run_with(library, "good", "last", "other", size=2)
    run_with(library, "good", size=2)
    assert merged(library) == {"good"}


def test_half_made_results_that_left_a_batch_are_not_merged(library):
    assert run_with(library, *BOOKS, size=3) == ["batch-0001"]
    assert run_with(library, "good", "last", size=3) == []
    assert merged(library) == {"good", "last"}


def test_numbers_of_batches_are_given_once(library):
    run_with(library, *BOOKS)
    run_with(library, "good", "last", "new")
    state = json.loads((library / "batches/batches.json").read_text())
    assert state["batch-0002"]["datasets"] == [] and state["batch-0004"]["datasets"] == ["new"]


def test_a_dataset_that_left_and_comes_back_goes_where_its_answers_are(library):
    run_with(library, *BOOKS, size=2)
    run_with(library, "last", size=2)
    run_with(library, "last", "good", "new", size=2)
    state = json.loads((library / "batches/batches.json").read_text())
    assert [entry["datasets"] for entry in state.values()] == [["good"], ["last"], ["new"]]
