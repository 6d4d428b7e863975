"""What the repository promises about itself."""

import os
import re
from types import SimpleNamespace

import pytest
import yaml
from snakemake.deployment.conda import Env
from workspace import REPOSITORY

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;+\\]+)", re.MULTILINE)


def commands(readme: str) -> list[str]:
    """The lines of a README's shell blocks, without their comments."""
    blocks = re.findall(
        r"```bash\n(.*?)```", (REPOSITORY / readme).read_text(encoding="utf-8"), re.DOTALL
    )
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize("name", ["README", "CONTRIBUTING"])
def test_both_languages_give_the_same_commands(name):
    english = commands(f"{name}.md")
    assert english and english == commands(f"{name}.zh-CN.md")


def test_the_readme_gives_the_commands_to_begin_with():
    assert {"make demo", "make quick", "make test"} <= set(commands("README.md"))


@pytest.mark.parametrize("kind", ["text", "llm", "train", "report"])
def test_the_conda_files_agree_with_the_lock(kind):
    locked = dict(PIN.findall((REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")))
    locked |= dict(PIN.findall((REPOSITORY / "envs/torch.txt").read_text(encoding="utf-8")))
    environment = yaml.safe_load((REPOSITORY / f"envs/{kind}.yaml").read_text(encoding="utf-8"))
    packages = dict(PIN.findall("\n".join(environment["dependencies"][-1]["pip"])))
    assert len(packages) > 20
    assert {name: locked[name] for name in packages} == packages


@pytest.mark.parametrize("kind, lock", [("train", "requirements"), ("qwen1", "qwen1")])
def test_a_new_conda_environment_gets_what_its_file_cannot_ask_for(
    kind, lock, tmp_path, monkeypatch
):
    """Snakemake hands the script to sh, which is no bash on Debian, unless its first line names another."""
    pip, asked = tmp_path / "pip", tmp_path / "asked"
    pip.write_text(f'#!/bin/sh\necho "$@" > {asked}\n')
    pip.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    activated = SimpleNamespace(
        conda=SimpleNamespace(shellcmd=lambda _, command: command), address=""
    )
    script = REPOSITORY / f"envs/{kind}.post-deploy.sh"
    Env.execute_deployment_script(activated, REPOSITORY / f"envs/{kind}.yaml", script)
    locked = dict(PIN.findall((REPOSITORY / f"envs/{lock}.lock").read_text(encoding="utf-8")))
    assert asked.read_text() == f"install --no-deps llamafactory=={locked['llamafactory']}\n"


@pytest.mark.parametrize("kind", ["workflow", "text", "llm", "train", "report", "dev"])
def test_everything_asked_for_by_hand_is_in_the_lock(kind):
    locked = dict(PIN.findall((REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")))
    locked |= dict(PIN.findall((REPOSITORY / "envs/torch.txt").read_text(encoding="utf-8")))
    for line in (REPOSITORY / f"envs/{kind}.in").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-r")):
            name, _, version = re.sub(r"\[.*?\]", "", line).partition("==")
            assert name in locked and version in ("", locked[name]), line


def test_the_lock_has_a_hash_for_every_package():
    entries = re.split(
        r"\n(?=\S)", (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8").strip()
    )
    assert len(entries) > 150
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_sample_novel_is_as_long_as_it_should_be():
    text = next((REPOSITORY / "resources/novels").glob("*.txt")).read_text(encoding="utf-8")
    assert len(re.sub(r"\s", "", text)) >= 30_000
    assert len(re.findall(r"^第.+章 \S+$", text, re.MULTILINE)) >= 12
