"""A job's function that is called in the interpreter of another environment."""

import sys

import pytest
from hash_export import hash_export
from store_results import store_results
from xuxie.errors import UserError
from xuxie.runtime.environments import in_environment


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """The name of an environment whose interpreter is this one, in the working directory."""
    monkeypatch.chdir(tmp_path)
    # Without a path to import from, as a job of Snakemake has it.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    python = tmp_path / ".venv-qwen1/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return "qwen1"


def test_a_script_is_found_in_another_interpreter_with_the_package_it_imports(
    environment, tmp_path
):
    (tmp_path / "finished").write_text("done")
    in_environment(store_results)(
        environment=environment, finished="finished", stored=str(tmp_path / "stored")
    )
    assert (tmp_path / "stored").read_text() == "done"


def test_what_went_wrong_there_is_said_here(environment, tmp_path):
    with pytest.raises(UserError, match="hash_export failed.*No such file"):
        in_environment(hash_export)(environment=environment, card="card", sums="missing/sums")


def test_an_environment_that_was_not_made_is_named_with_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("xuxie.runtime.environments.REPOSITORY", tmp_path)
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/qwen1.lock").write_text("llamafactory==0.0.1\n")
    with pytest.raises(UserError, match=r"make \.venv-qwen1"):
        in_environment(store_results)(environment="qwen1", finished="a", stored="b")
