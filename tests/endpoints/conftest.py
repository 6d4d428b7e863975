"""What the tests of the client share: a place for a journal, a machine of a test's own, and processes that start at once."""

import multiprocessing
import os
import sys
import tempfile
from multiprocessing import util
from multiprocessing.context import ForkServerContext

import pytest

# The fork server's socket goes there: in the folder of a test its path could be too long.
util.get_temp_dir()


@pytest.fixture
def journal(tmp_path):
    """Where the journal of a test goes."""
    return tmp_path / "journal"


@pytest.fixture
def own_machine(tmp_path, monkeypatch):
    """Jobs of one machine find each other in its folder for temporary files: here one that no other test has."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def forked(monkeypatch) -> ForkServerContext:
    """Processes that start in milliseconds: forked from one that has imported everything and runs no threads."""
    # for the imports ahead, which would fail in silence
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    context = multiprocessing.get_context("forkserver")
    own = ["llm_batch_case", "batch_server", "patience", "xuxie.files.rows"]
    # A child imports the module of its test, which imports these.
    context.set_forkserver_preload([*own, "hypothesis", "pytest"])
    return context
