"""The DAG: known in full before anything runs, from the config alone."""

import shutil
import subprocess
import sys

import pytest
from workspace import REPOSITORY, Workspace, jobs


@pytest.fixture(scope="module")
def clean_checkout(tmp_path_factory) -> Workspace:
    """The tracked files alone: no results, no model, no environment."""
    folder = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return Workspace(folder)


def snakemake(folder, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_clean_checkout_knows_every_job_without_model_and_network(clean_checkout):
    done = snakemake(clean_checkout.folder, "-n", "--cores", "all")
    assert done.returncode == 0, done.stdout
    counts = jobs(done.stdout)
    assert counts == {
        "normalise_text": 1, "find_chapters": 1, "cut_chunks": 1,
        "fetch_model": 1, "convert_model": 1,
        "generate_pairs": 1, "score_by_likelihood": 1, "gather_pairs": 1,
        "build_dataset": 1, "check_ledger": 1,
        "render_training": 1, "fit_rows": 1, "check_gates": 1, "train_adapter": 1,
        "sample_outputs": 1, "evaluate_adapter": 1, "write_report": 1,
        "all": 1, "total": 18,
    }  # fmt: skip


def test_every_example_config_has_a_complete_dag(clean_checkout):
    examples = sorted((clean_checkout / "config/examples").glob("*.yaml"))
    assert examples
    for example in examples:
        # Each file says in its head how it is used: on top of the default config, or in its place.
        whole = (
            ["--replace-workflow-config"]
            if "--replace-workflow-config" in example.read_text(encoding="utf-8")
            else []
        )
        done = snakemake(
            clean_checkout.folder, "-n", "--cores", "all", "--configfile", str(example), *whole
        )
        assert done.returncode == 0, f"{example.name}:\n{done.stdout}"
        assert jobs(done.stdout)["train_adapter"] >= 1


def test_lint_finds_nothing(clean_checkout):
    done = snakemake(clean_checkout.folder, "--lint")
    assert done.returncode == 0, done.stdout


def test_rules_are_formatted():
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "rules"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_second_run_does_nothing(walked):
    assert "Nothing to be done" in walked.snakemake().stdout


def test_touching_scripts_runs_nothing_again(walked):
    for script in (REPOSITORY / "scripts").rglob("*.py"):
        script.touch()
    assert "Nothing to be done" in walked.snakemake("-n").stdout


def test_a_changed_threshold_asks_nothing_again(walked, small_config):
    walked.configure({**small_config, "pairs": {**small_config["pairs"], "threshold": 6}})
    try:
        counts = jobs(walked.snakemake("-n").stdout)
    finally:
        walked.configure(small_config)
    assert (
        "gather_pairs" in counts
        and "generate_pairs" not in counts
        and "score_by_judge" not in counts
    )
