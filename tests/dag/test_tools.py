"""What Snakemake offers around a workflow holds for this one: its report, container, unit tests, and use as a module."""

import shutil
import subprocess

import pytest
import yaml
from dag.test_dry_run import clean_checkout, snakemake
from workspace import REPOSITORY, jobs

__all__ = ["clean_checkout"]

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
    done = snakemake(folder, "--generate-unit-tests", "--cores", "1")
    assert done.returncode == 0, done.stdout
    made = {path.stem.removeprefix("test_") for path in (folder / ".tests/unit").glob("test_*.py")}
    assert {
        "normalise_text",
        "find_chapters",
        "cut_chunks",
        "gather_pairs",
        "build_dataset",
    } <= made


def test_another_workflow_uses_this_one_as_a_module(tmp_path, novel_text):
    (tmp_path / "Snakefile").write_text(
        f"""
configfile: "config.yaml"


module continuation:
    snakefile: {str(REPOSITORY / "Snakefile")!r}
    config: config["continuation"]


use rule * from continuation as continuation_*


rule count:
    input: "results/novels/mine/chunks.jsonl"
    output: "count.txt"
    shell: "wc -l < {{input}} > {{output}}"
"""
    )
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump(
            {
                "continuation": {"novels": {"mine": {"path": "mine.txt"}}},
                "novels": "of somebody else",
            }
        )
    )
    (tmp_path / "mine.txt").write_text(novel_text, encoding="utf-8")
    done = snakemake(tmp_path, "--cores", "1", "count.txt")
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout) == {
        "continuation_normalise_text": 1,
        "continuation_find_chapters": 1,
        "continuation_cut_chunks": 1,
        "count": 1,
        "total": 4,
    }
    assert int((tmp_path / "count.txt").read_text()) > 1


def test_snakedeploy_makes_a_folder_of_ones_own(clean_checkout, tmp_path):
    if not shutil.which("snakedeploy"):
        pytest.skip("snakedeploy is not installed: pipx install snakedeploy")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], cwd=clean_checkout.folder, check=True)
    own = tmp_path / "own"
    subprocess.run(
        [
            "snakedeploy",
            "deploy-workflow",
            str(clean_checkout.folder),
            str(own),
            "--branch",
            "main",
        ],
        check=True,
    )
    deployed = own / "workflow/Snakefile"
    # For a folder snakedeploy writes the path within the repository; the clone's own goes in its place.
    deployed.write_text(
        deployed.read_text().replace('"Snakefile"', repr(str(clean_checkout / "Snakefile")))
    )
    novel = own / "resources/novels/ban-jin-du.txt"
    novel.parent.mkdir(parents=True)
    shutil.copy(REPOSITORY / "resources/novels/ban-jin-du.txt", novel)
    done = snakemake(own, "-n", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout)["train_adapter"] == 1


def test_the_catalogue_is_told_only_what_holds():
    told = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(told) <= {"mandatory-flags", "software-stack-deployment", "report"}
    assert told["software-stack-deployment"]["conda"] is True and (REPOSITORY / "envs").is_dir()
    assert not (REPOSITORY / "workflow/Snakefile").exists()
