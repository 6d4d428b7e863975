"""What Snakemake offers to a run that was made: its report, a container, and generated unit tests."""

import shutil

from workspace import REPOSITORY, run_in

#: Answers what Snakemake asks of conda before it looks at an environment; nothing is installed with it.
CONDA = """#!/bin/sh
case "$*" in
    *info*) echo '{"conda_prefix": "/", "conda_version": "25.1.0", "platform": "linux-64"}' ;;
    *--version*) echo 'conda 25.1.0' ;;
    *channel_priority*) echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""


def test_snakemakes_own_report_holds_ours(walked):
    walked.snakemake("--report", "report.html")
    report = (walked / "report.html").read_text(encoding="utf-8")
    assert "results/report.html" in report and "train_adapter" in report


def test_a_container_is_defined_with_every_environment_of_the_run(walked, tmp_path):
    conda = tmp_path / "bin/conda"
    conda.parent.mkdir()
    conda.write_text(CONDA)
    conda.chmod(0o755)
    defined = walked.snakemake("--containerize", PATH=f"{conda.parent}:/usr/bin:/bin").stdout
    # qwen1 is for models of its own; none is in this configuration.
    for environment in {path.name for path in (REPOSITORY / "envs").glob("*.yaml")} - {
        "qwen1.yaml"
    }:
        assert f"envs/{environment}" in defined, f"{environment} is missing"
    assert "FROM" in defined and "conda env create" in defined


def test_unit_tests_are_generated_for_what_was_run(walked, clean_checkout, tmp_path):
    folder = shutil.copytree(clean_checkout.folder, tmp_path / "checkout")
    shutil.copytree(walked.folder, folder, dirs_exist_ok=True, symlinks=True)
    shutil.copy(walked / "config.yaml", folder / "config/config.yaml")
    done = run_in(folder, "--generate-unit-tests", "--cores", "1")
    assert done.returncode == 0, done.stdout
    made = {path.stem.removeprefix("test_") for path in (folder / ".tests/unit").glob("test_*.py")}
    assert {
        "normalise_text",
        "find_chapters",
        "cut_chunks",
        "gather_pairs",
        "build_dataset",
    } <= made
