"""The benchmark for a GPU runs: here with a tiny shape on whatever there is, where its numbers mean nothing."""

import subprocess
import sys

import pytest
from workspace import REPOSITORY
from xuxie.files.rows import read_json


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict:
    """The parts of its result."""
    folder = tmp_path_factory.mktemp("gpu")
    options = ["--shape", "tiny", "--large", "tiny", "--rows", "4", "--tokens", "8"]
    subprocess.run(
        [sys.executable, str(REPOSITORY / "benchmarks/gpu/run.py"), *options, "--seconds", "3000", "--work", "work"],
        cwd=folder,
        check=True,
    )  # fmt: skip
    return read_json(folder / "work/result.json")["parts"]


def test_every_part_but_the_quantised_one_measures(measured):
    assert not {name: part["failed"] for name, part in measured.items() if "failed" in part}
    assert [side["name"] for side in measured["training"]["sides"]] == ["literal flags", "ours"]
    assert all(side["useful_per_second"] > 0 for side in measured["training"]["sides"])
    assert set(measured["sampling"]["tokens_per_second"]) > {"one by one"}
    assert measured["evaluation"]["characters_per_second"] > 0


def test_the_quantised_part_measures_or_says_why_not(measured):
    if "skipped" in measured["QLoRA"]:
        pytest.skip(measured["QLoRA"]["skipped"])
    assert measured["QLoRA"]["sides"][0]["useful_per_second"] > 0
