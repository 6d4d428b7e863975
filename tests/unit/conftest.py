"""What several files of unit tests share: a place for a journal, and a machine of a test's own."""

import tempfile

import pytest


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
