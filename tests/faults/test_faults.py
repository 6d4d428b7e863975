"""What goes wrong on machines and shared file systems: each fault says what it is, and leaves a clean way on."""

import functools
import os
import signal
import subprocess
import time

import pytest
from fault_server import FaultServer
from patience import wait_for_exit, wait_until, written_in
from roles import answer
from workspace import Workspace, jobs, scripts_running_in

CHUNKS = "results/novels/small/chunks.jsonl"
CANDIDATES = "results/novels/small/shards/1-of-1/candidates.jsonl"


@pytest.fixture
def results_on_a_small_disk(new_workspace):
    """A workspace whose results lie on a disk of their own; and a function that mounts it anew with other options."""
    disk = new_workspace / "results"
    disk.mkdir()

    def mount(options: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)],
            check=True,
            capture_output=True,
        )

    try:
        mount("size=24k")
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here, which needs root: {error}")
    yield new_workspace, lambda options: mount(f"remount,{options}")
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_named_and_the_run_goes_on_once_there_is_room(results_on_a_small_disk):
    workspace, remount = results_on_a_small_disk
    done = workspace.snakemake(CHUNKS, check=False)
    assert done.returncode != 0
    assert "No space left on device: results/novels/small/" in done.stdout
    assert "remedy: make room" in done.stdout
    assert "Traceback" not in done.stdout
    remount("size=100m")
    workspace.snakemake(CHUNKS)
    assert (workspace / CHUNKS).exists()


def test_read_only_results_are_named_and_the_run_goes_on_once_they_can_be_written(
    results_on_a_small_disk,
):
    workspace, remount = results_on_a_small_disk
    remount("size=100m")
    workspace.snakemake("results/novels/small/text.txt")
    remount("ro")
    done = workspace.snakemake(CHUNKS, check=False)
    assert done.returncode != 0
    assert "Read-only file system" in done.stdout and "results/novels/small" in done.stdout
    remount("rw")
    workspace.snakemake(CHUNKS)
    assert (workspace / CHUNKS).exists()


def test_a_source_that_has_vanished_is_named_before_anything_runs(walked_copy):
    (walked_copy / "small.txt").unlink()
    done = walked_copy.snakemake(check=False)
    assert done.returncode != 0
    assert "no file is found at small.txt" in done.stdout and "novels.small.path" in done.stdout


def test_a_shard_that_has_vanished_is_made_again_from_the_journal(walked_copy, endpoint):
    for path in (CANDIDATES, "results/novels/small/pairs.jsonl"):
        (walked_copy / path).unlink()
    before = endpoint.requests.total()
    done = walked_copy.snakemake("results/novels/small/pairs.jsonl")
    made = jobs(done.stdout)
    assert made["generate_pairs"] == 1 and "cut_chunks" not in made
    assert endpoint.requests.total() == before, "what was paid for was asked again"
    assert (walked_copy / CANDIDATES).exists()


def test_weights_that_have_vanished_are_named(walked_copy):
    (walked_copy / "results/models/tiny/hf/model.safetensors").unlink()
    (walked_copy / "results/adapters/small/samples.jsonl").unlink()
    done = walked_copy.snakemake("results/adapters/small/samples.jsonl", check=False)
    assert done.returncode != 0
    assert "results/models/tiny/hf" in done.stdout and "model.safetensors" in done.stdout


@pytest.fixture
def slow(new_workspace, small_config, endpoint):
    """A workspace whose generator takes a second to answer, and the endpoint."""
    with FaultServer(answer=answer, key=endpoint.key, model="reader", latency=1.0) as server:
        settings = {
            **small_config["endpoints"]["loopback"],
            "base_url": server.base_url,
            "concurrency": 2,
        }
        new_workspace.configure({**small_config, "endpoints": {"loopback": settings}})
        yield new_workspace, server


def begin(workspace: Workspace, *targets: str) -> subprocess.Popen:
    """Start a run in a process group of its own."""
    # Tests that run in a shell's background have SIGINT ignored, and would hand that on.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return workspace.begin(*targets, start_new_session=True, preexec_fn=heed)


def until_answered(count: int, server: FaultServer, run: subprocess.Popen) -> None:
    """Wait while the run gets on."""

    def answered() -> bool:
        assert run.poll() is None, "the run ended too early"
        return server.answers.total() >= count

    wait_until(answered, f"{count} answers", server.answers.total)


def test_a_second_run_in_the_same_folder_is_refused_and_harms_nothing(slow):
    workspace, server = slow
    run = begin(workspace, CANDIDATES)
    until_answered(2, server, run)
    second = workspace.snakemake(CANDIDATES, check=False)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout and "--unlock" in second.stdout
    ended = wait_for_exit(run, written_in(workspace.folder))
    assert ended == 0, (workspace / "run.log").read_text()
    assert max(server.answers.values()) == 1


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_is_started_again_without_a_flag(slow, end):
    workspace, server = slow
    run = begin(workspace, CANDIDATES)
    until_answered(3, server, run)
    os.killpg(run.pid, end)
    wait_for_exit(run, written_in(workspace.folder))
    answered = set(server.answers)
    if end == signal.SIGKILL:
        # A run that had no time to clean up leaves its lock; Snakemake says how to take it away.
        locked = workspace.snakemake(CANDIDATES, check=False)
        assert locked.returncode != 0 and "--unlock" in locked.stdout
        workspace.snakemake("--unlock")
    workspace.snakemake(CANDIDATES)
    assert (workspace / CANDIDATES).exists()
    assert set(server.answers) > answered, "it was done before it was interrupted"
    # Two calls are in flight at a time, and one is until its answer is on the disk.
    assert sum(count > 1 for count in server.answers.values()) <= 2, (
        "more was asked again than was under way"
    )


def test_a_job_ends_with_the_snakemake_that_was_killed(slow):
    """It would go on asking, beside the one that takes its place."""
    workspace, server = slow
    run = begin(workspace, CANDIDATES)
    until_answered(3, server, run)
    run.kill()
    run.wait()
    wait_until(lambda: not scripts_running_in(workspace.folder), "no job", server.answers.total)
    answered = set(server.answers)
    workspace.snakemake("--unlock")
    workspace.snakemake(CANDIDATES)
    assert set(server.answers) > answered, "the job went on to its end"
    assert sum(count > 1 for count in server.answers.values()) <= 2


def test_a_run_whose_questions_fail_ends_with_the_commonest_reason(slow):
    workspace, server = slow
    server.reject = {"": "data_inspection_failed: inappropriate content"}
    done = workspace.snakemake(CANDIDATES, check=False)
    assert done.returncode != 0
    assert "questions failed" in done.stdout and "`refused`" in done.stdout
    assert "inappropriate content" in done.stdout and "llm.max_failed" in done.stdout
    assert not (workspace / CANDIDATES).exists()


def test_a_clock_that_is_ahead_is_named(new_workspace):
    """Another node wrote an input an hour from now; once its time is set right, the run goes on."""
    new_workspace.snakemake("results/novels/small/text.txt")
    ahead = time.time() + 3600
    text = new_workspace / "results/novels/small/text.txt"
    os.utime(text, (ahead, ahead))
    done = new_workspace.snakemake(CHUNKS, check=False)
    assert done.returncode != 0
    assert "clock skew" in done.stdout and "results/novels/small/text.txt" in done.stdout
    text.touch()
    new_workspace.snakemake(CHUNKS)
    assert (new_workspace / CHUNKS).exists()
