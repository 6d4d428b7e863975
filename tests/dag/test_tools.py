"""Snakemake's ways to use a workflow hold for this one: as a module, deployed, in the catalogue."""

import shutil
import subprocess

import pytest
import yaml
from workspace import REPOSITORY, copy_checkout, jobs, run_in


@pytest.mark.parametrize("fetched", [False, True], ids=["a clone", "rules that Snakemake fetches"])
def test_another_workflow_uses_this_one_as_a_module(tmp_path, novel_text, fetched):
    snakefile = REPOSITORY / "Snakefile"
    if fetched:
        # In a folder of its own, as Snakemake finds no file beside a Snakefile at the top of a local repository.
        copy_checkout(tmp_path / "host/xuxie")
        commit_all(tmp_path / "host")
        snakefile = f"git+file://{tmp_path}/host/xuxie/Snakefile@main"
    (tmp_path / "Snakefile").write_text(
        f"""
configfile: "config.yaml"


module continuation:
    snakefile: {str(snakefile)!r}
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
    done = run_in(tmp_path, "--cores", "1", "--rerun-triggers", "mtime", "--", "count.txt")
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout) == {
        "continuation_normalise_text": 1,
        "continuation_find_chapters": 1,
        "continuation_cut_chunks": 1,
        "count": 1,
        "total": 4,
    }
    assert int((tmp_path / "count.txt").read_text()) > 1


def commit_all(folder) -> None:
    """Make a repository of a folder, with all its files on the branch main."""
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def test_snakedeploy_makes_a_folder_of_ones_own(clean_checkout, tmp_path):
    if not shutil.which("snakedeploy"):
        pytest.skip("snakedeploy is not installed: pipx install snakedeploy")
    commit_all(clean_checkout.folder)
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
