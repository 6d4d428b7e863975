"""Which batches are made again, and what is merged. No workflow runs here: a batch's results are put there."""

import json
import os
import shutil

import pytest
import run_batches
import yaml
from xuxie.batches.merging import merge
from xuxie.errors import UserError

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
        if "bad" not in datasets and "-n" not in arguments:
            for name in datasets:
                write(folder / f"results/datasets/{name}/ledger_check.json")
                if "--until" not in arguments:
                    write(folder / f"results/adapters/{name}/adapter_model.safetensors")
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


def run_with(library, *books: str, size: int = 1, told: tuple = (), **more) -> list[str]:
    """Run the batches of a configuration with these novels, a dataset of each."""
    config = {"novels": {name: {"path": f"{name}*.txt"} for name in books}, **more}
    (library / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    (library / "batches").mkdir(exist_ok=True)
    return run_batches.run_all(library / "batches", library / "config.yaml", size, list(told), None)


def merged(library) -> set[str]:
    """The datasets of the merged results, which are those of its novels too."""
    merge(library / "batches", library / "all")
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


def made_again(library, capsys, *books: str, **more) -> list[str]:
    """The batches that are run, of those that were made before."""
    capsys.readouterr()
    assert run_with(library, *books, **more) == []
    lines = capsys.readouterr().out.splitlines()
    return [line.partition(":")[0] for line in lines if not line.endswith("made already")]


@pytest.fixture
def made(library, capsys):
    """The same folder, in which both batches are made of novels that are there and templates of the user's own."""
    for name in ("good", "last", "templates/system"):
        write(library / f"{name}.txt")
    run_with(library, "good", "last", pairs={"prompt_templates": "templates"})

    def again(**more) -> list[str]:
        settings = {"pairs": {"prompt_templates": "templates"}, **more}
        return made_again(library, capsys, "good", "last", **settings)

    assert again() == []
    return library, again


def test_a_batch_is_made_again_when_a_novel_has_another_text(made):
    library, again = made
    (library / "good.txt").write_text("another text")
    assert again() == ["batch-0001"] and again() == []
    os.utime(library / "last.txt", (1, 1))
    assert again() == ["batch-0002"] and again() == []


def test_a_batch_is_made_again_when_a_pattern_finds_another_file(made):
    library, again = made
    write(library / "last2.txt")
    assert again() == ["batch-0002"] and again() == []


def test_all_batches_are_made_again_when_a_template_changes(made):
    library, again = made
    (library / "templates/system.txt").write_text("You read novels.")
    assert again() == ["batch-0001", "batch-0002"] and again() == []


@pytest.mark.parametrize("lost", ["", "datasets", "adapters/good/adapter_model.safetensors"])
def test_a_batch_whose_results_are_gone_is_not_merged_but_made_again(made, lost):
    library, again = made
    results = library / "batches/batch-0001/results" / lost
    shutil.rmtree(results) if results.is_dir() else results.unlink()
    with pytest.raises(UserError, match="not made yet: batch-0001"):
        merged(library)
    assert again() == ["batch-0001"] and again() == []


@pytest.mark.parametrize(
    "told",
    [
        ("--cores", "4"),
        ("--cores=all", "-j4"),
        ("-c4", "--workflow-profile", "profiles/slurm"),
        ("--executor", "slurm", "--jobs"),
        ("-n", "--cores", "1"),
    ],
)
def test_how_snakemake_runs_makes_no_batch_again(made, told):
    assert made[1](told=told) == []


def test_what_snakemake_is_asked_for_makes_batches_again(made):
    library, again = made
    told = ("--until", "check_ledger", "--cores", "1")
    assert len(again(told=told)) == 2 and again(told=told) == []
    assert len(again()) == 2


@pytest.mark.parametrize(
    "told", [("-n",), ("-np",), ("--dry-run",), ("--cores", "1", "-n"), ("-e", "dryrun")]
)
def test_a_dry_run_makes_nothing(made, told):
    library, again = made
    (library / "good.txt").write_text("another text")
    assert again(told=told) == ["batch-0001"]
    with pytest.raises(UserError, match="not made yet: batch-0001"):
        merged(library)
    assert again() == ["batch-0001"]


def test_datasets_alone_merge_where_no_more_was_asked_for(library):
    run_with(library, "good", told=("--until", "check_ledger"))
    assert merged(library) == {"good"}


@pytest.mark.parametrize(
    "target", ["batches", "batches/batch-0001", "batches/all", "all/../batches", "."]
)
def test_nothing_is_merged_into_the_folder_of_the_batches(library, target):
    run_with(library, "good", "last")
    with pytest.raises(UserError, match="is not apart from the batches"):
        merge(library / "batches", library / target)
    assert merged(library) == {"good", "last"}


def test_results_are_merged_again_over_those_of_before(library):
    run_with(library, "good")
    own = library / "batches/batch-0001/results/datasets/good/train.jsonl"
    for text in ("one", "two"):
        own.unlink()
        own.write_text(text)
        for _ in range(2):
            merged(library)
            folder = library / "all/results/datasets/good"
            assert (folder / "train.jsonl").read_text() == own.read_text() == text
            assert {file.name for file in folder.iterdir()} == {"train.jsonl", "ledger_check.json"}


def test_what_was_merged_before_stays_when_the_disk_is_full(library, monkeypatch):
    run_with(library, "good")
    merged(library)
    (library / "all/results/novels/good/text.txt").write_text("before")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises((OSError, shutil.Error)):
        merged(library)
    assert (library / "all/results/novels/good/text.txt").read_text() == "before"


def test_an_adapter_that_samples_in_all_batches_is_refused_before_any_of_them_runs(library):
    with pytest.raises(UserError, match="good is an adapter of one batch, and batch-0002"):
        run_with(library, "good", "last", sampling={"systems": ["base", "tuned", "good"]})
    assert not (library / "batches/batch-0001").exists()


def test_a_batch_that_was_answered_nothing_does_not_stand_in_the_way(library):
    run_with(library, "good", "last")
    (library / "batches/batch-0002/journal/batch-0002.jsonl").unlink()
    write(library / "batches/batch-0002/journal/.limits/1.json")
    assert merged(library) == {"good", "last"}


@pytest.mark.parametrize("content", [None, "novels: [\n", "", "- novels\n", b"\xff\xfe"])
def test_a_configuration_that_cannot_be_read_is_named(library, capsys, content):
    file = library / "mine.yaml"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert run_batches.main([str(library / "batches"), "--configfile", str(file)]) == 1
    said = capsys.readouterr().err
    assert "the configuration" in said and str(file) in said


def test_a_folder_without_batches_is_not_merged_and_not_made(library, capsys):
    assert run_batches.main([str(library / "typo"), "--merge", str(library / "all")]) == 1
    assert "no batches here" in capsys.readouterr().err
    assert not (library / "typo").exists() and not (library / "all").exists()
