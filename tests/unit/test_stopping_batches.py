"""A run of batches that is told to end, or killed, while its Snakemake is at work. A stand-in for Snakemake notes what it hears."""

import os
import signal
import subprocess
import sys
import time

import pytest
from patience import wait_for_exit, wait_until, written_in
from workspace import REPOSITORY

#: It begins, notes every signal, and ends when it may; `--unlock` is noted too.
SNAKEMAKE = """
import os, signal, sys, time

def note(word):
    with open("notes", "a") as notes:
        notes.write(f"{word}\\n")

def hear(number, _):
    note(signal.Signals(number).name)

signal.signal(signal.SIGINT, hear)
signal.signal(signal.SIGTERM, hear)
note("unlocked" if "--unlock" in sys.argv else "begun")
while os.path.exists("wait"):
    time.sleep(0.05)
note("ended")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a configuration of two novels, in which the stand-in is found and waits; it goes with the folder's `wait`."""
    (tmp_path / "config.yaml").write_text("novels: {a: {path: a.txt}, b: {path: b.txt}}\n")
    (tmp_path / "snakemake").mkdir()
    (tmp_path / "snakemake/__init__.py").touch()
    (tmp_path / "snakemake/__main__.py").write_text(SNAKEMAKE)
    (tmp_path / "wait").touch()
    paths = [tmp_path, REPOSITORY / "scripts"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    yield tmp_path
    (tmp_path / "wait").unlink(missing_ok=True)


def start(folder) -> subprocess.Popen:
    """Batches of one novel each, in a session of their own, as of a terminal."""
    arguments = ["batches", "--configfile", "config.yaml", "--size", "1"]

    def heed() -> None:
        """Tests that run in a shell's background, or under nohup, have these ignored, and would hand that on."""
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, REPOSITORY / "scripts/run_batches.py", *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed,
    )


def notes(folder) -> list[str]:
    file = folder / "notes"
    return file.read_text().split() if file.exists() else []


def wait_for(word: str, folder) -> None:
    wait_until(lambda: word in notes(folder), word, written_in(folder))


@pytest.mark.parametrize(
    "told, heard", [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGTERM")]
)
def test_a_run_that_is_told_to_end_waits_for_its_snakemake(folder, told, heard):
    run = start(folder)
    wait_for("begun", folder)
    os.killpg(run.pid, signal.Signals[told])
    wait_for(heard, folder)
    # As long as it takes to cancel jobs; a run that does not wait has ended it by then.
    time.sleep(1)
    (folder / "wait").unlink()
    assert wait_for_exit(run, written_in(folder)) == 128 + signal.Signals[told]
    assert notes(folder) == ["begun", heard, "ended"]
    assert "waiting for snakemake" in run.stderr.read()


def test_nobody_begins_while_the_snakemake_of_a_killed_run_goes_on(folder):
    run = start(folder)
    wait_for("begun", folder)
    run.kill()
    run.wait()
    locks = folder / "batches/batch-0001/.snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").touch()
    again = start(folder)
    assert wait_for_exit(again, written_in(folder)) == 1
    assert "these batches are being run" in again.stderr.read()
    assert notes(folder) == ["begun"]
    (folder / "wait").unlink()
    wait_for("ended", folder)
    wait_until(
        lambda: wait_for_exit(start(folder), written_in(folder)) == 0, "the lock", lambda: None
    )
    assert "unlocked" in notes(folder)
