"""Snakemake's ways to use a workflow hold for this one: as a module, deployed, in the catalogue."""

import shutil
import subprocess

import pytest
import yaml
from workspace import REPOSITORY, jobs, run_in


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
    done = run_in(tmp_path, "--cores", "1", "count.txt")
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
    done = run_in(own, "-n", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout)["train_adapter"] == 1


def test_the_catalogue_is_told_only_what_holds():
    told = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(told) <= {"mandatory-flags", "software-stack-deployment", "report"}
    assert told["software-stack-deployment"]["conda"] is True and (REPOSITORY / "envs").is_dir()
    assert not (REPOSITORY / "workflow/Snakefile").exists()
