"""The container of the whole environment: what goes into it is enough to run, and it is built and asked where there is a tool."""

import re
import shutil
import subprocess

import pytest
from workspace import REPOSITORY, jobs, run_in


def taken() -> list[str]:
    """What `COPY . .` brings along: all that .dockerignore lets through again."""
    lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines, "whatever lies beside the workflow would go along: novels, results, keys"
    return [line[1:] for line in lines if line.startswith("!")]


def test_what_goes_into_the_image_plans_the_whole_workflow(clean_checkout, tmp_path):
    for name in taken():
        there = clean_checkout / name
        (shutil.copytree if there.is_dir() else shutil.copy2)(there, tmp_path / name)
    done = run_in(tmp_path, "-n", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout)["train_adapter"] == 1
    copied = re.findall(r"^COPY (.+) \S+$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert copied and all((tmp_path / name).exists() for line in copied for name in line.split())


def tool() -> str:
    """A program that builds containers here."""
    for name in ("docker", "podman"):
        if (
            shutil.which(name)
            and not subprocess.run([name, "info"], capture_output=True).returncode
        ):
            return name
    pytest.skip("neither docker nor podman works on this machine")


def test_the_image_is_built_and_plans_the_workflow():
    container = tool()
    base = re.search(r"^ARG BASE=(\S+)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)[1]
    for words in (["image", "inspect"], ["pull"]):
        if not subprocess.run([container, *words, base], capture_output=True).returncode:
            break
    else:
        pytest.skip(f"{container} has no {base} here and cannot pull it")
    subprocess.run(["make", "image", f"CONTAINER={container}"], cwd=REPOSITORY, check=True)
    done = subprocess.run(
        [container, "run", "--rm", "--network", "none", "xuxie", "snakemake", "-n", "--cores", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert jobs(done.stdout)["train_adapter"] == 1
