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


def files_told(guide: str) -> list[str]:
    """The files and folders of this repository that a guide names, without those that a run makes or a reader is to add."""
    text = (REPOSITORY / guide).read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`|`([\w-]+\.(?:py|md|toml|smk))`", text)
    theirs = ("results/", "logs/", "scripts/count_words", "envs/NAME")
    return [path for both in named if not (path := "".join(both)).startswith(theirs)]


@pytest.mark.parametrize("guide", ["CONTRIBUTING.md", "CONTRIBUTING.zh-CN.md"])
def test_what_the_guide_tells_is_there(guide):
    told = files_told(guide)
    assert len(told) > 40 and sorted(told) == sorted(files_told("CONTRIBUTING.md"))
    roots = ("", "scripts", "scripts/xuxie", "scripts/xuxie/runtime", "tests/unit")
    missing = [path for path in told if not any((REPOSITORY / r / path).exists() for r in roots)]
    assert missing == []


def test_the_readme_gives_the_commands_to_begin_with():
    assert {"make demo", "make quick", "make test"} <= set(commands("README.md"))


def test_no_group_of_a_regular_expression_is_possessive():
    """Before Python 3.11.5 (Debian 12 has 3.11.2) a possessive group that can backtrack matches what it must not, or for ever."""
    possessive = re.compile(r"\)(?:[*+?]|\{+[^{}]*\}+)\+")
    assert possessive.search(r'"(?:ab?c){0,3}+"') and possessive.search(r'rf"(?:{word})*+"')
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in sorted((REPOSITORY / "scripts").rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        # A comment may speak of them.
        if not line.lstrip().startswith("#") and possessive.search(line)
    ]
    assert found == []


def pins(*files: str) -> dict[str, str]:
    """The pinned packages of files in envs/."""
    texts = [(REPOSITORY / "envs" / file).read_text(encoding="utf-8") for file in files]
    return dict(PIN.findall("\n".join(texts)))


#: What each environment is cut out of.
LOCKS = {
    **dict.fromkeys(
        ("workflow", "text", "llm", "train", "report", "dev"), ("requirements.lock", "torch.txt")
    ),
    "gpu": ("gpu.lock",),
}


@pytest.mark.parametrize("kind", ["text", "llm", "train", "report", "gpu"])
def test_the_conda_files_agree_with_the_lock(kind):
    environment = yaml.safe_load((REPOSITORY / f"envs/{kind}.yaml").read_text(encoding="utf-8"))
    packages = dict(PIN.findall("\n".join(environment["dependencies"][-1]["pip"])))
    locked = pins(*LOCKS[kind])
    assert len(packages) > 20
    assert {name: locked[name] for name in packages} == packages


def test_the_lock_for_a_gpu_is_the_other_one_with_more_in_it():
    plain, gpu = pins("requirements.lock", "torch.txt"), pins("gpu.lock")
    assert {name: gpu.get(name) for name in plain} == plain
    more = gpu.keys() - plain.keys()
    assert {"bitsandbytes", "liger-kernel", "triton"} <= more
    assert any(name.startswith("nvidia-cudnn") for name in more), "torch is built for CUDA"


@pytest.mark.parametrize(
    "kind, lock", [("train", "requirements"), ("qwen1", "qwen1"), ("gpu", "gpu")]
)
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


@pytest.mark.parametrize("kind", LOCKS)
def test_everything_asked_for_by_hand_is_in_the_lock(kind):
    locked = pins(*LOCKS[kind])
    for line in (REPOSITORY / f"envs/{kind}.in").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-r")):
            name, _, version = re.sub(r"\[.*?\]", "", line).partition("==")
            assert name in locked and version in ("", locked[name]), line


@pytest.mark.parametrize("lock", ["requirements", "gpu", "qwen1"])
def test_the_lock_has_a_hash_for_every_package(lock):
    text = (REPOSITORY / f"envs/{lock}.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 100
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_sample_novel_is_as_long_as_it_should_be():
    text = next((REPOSITORY / "resources/novels").glob("*.txt")).read_text(encoding="utf-8")
    assert len(re.sub(r"\s", "", text)) >= 30_000
    assert len(re.findall(r"^第.+章 \S+$", text, re.MULTILINE)) >= 12
