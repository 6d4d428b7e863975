"""A run at a terminal: a line for each finished step and errors in full; elsewhere Snakemake's own words."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest
from workspace import Workspace

TEXT, CHUNKS = "results/novels/small/text.txt", "results/novels/small/chunks.jsonl"
#: What moves the cursor, changes colours or clears a line.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def at_a_terminal(workspace, *arguments: str, columns: int = 120, **environment: str):
    """Run snakemake as a person does; all that the terminal was sent, and the exit code."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    run = subprocess.Popen(
        workspace.command(*arguments),
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=workspace.folder,
        env={**os.environ, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    os.close(its)
    sent = b""
    while True:
        try:
            sent += os.read(ours, 65536)
        except OSError:  # Linux says so when the last program has closed the terminal
            break
    os.close(ours)
    return sent.decode("utf-8", errors="replace"), run.wait()


def lines(sent: str) -> list[str]:
    """All that stood in any line, also what was painted over later."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", CONTROL.sub("", sent))]


def full_log(workspace) -> str:
    logs = sorted((workspace / ".snakemake/log").glob("*.log"))
    return logs[-1].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(tmp_path_factory, small_config, novel_text):
    """A workspace whose chunks were made at a terminal, and what that was sent."""
    folder = tmp_path_factory.mktemp("shown") / "work"
    workspace = Workspace.make(folder, small_config, novel_text)
    sent, code = at_a_terminal(workspace, CHUNKS)
    assert code == 0, sent
    return workspace, sent


def test_each_finished_step_is_a_line_with_what_matters(shown):
    workspace, sent = shown
    finished = [line for line in lines(sent) if line.startswith("✓")]
    assert [line.split()[1] for line in finished] == [
        "normalise_text",
        "find_chapters",
        "cut_chunks",
    ]
    assert all(line.split()[2] == "small" for line in finished)
    assert re.search(r"\d+ chunks of at most \d+ characters$", finished[-1])
    assert "jobid" not in sent and "resources:" not in sent
    assert "3 of 3 steps" in sent
    assert sent.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in sent, "the cursor is left hidden"
    # Nothing is lost: the log file holds what the terminal was spared.
    assert "rule cut_chunks:" in full_log(workspace) and "jobid" in full_log(workspace)
    assert "characters decoded" in (workspace / "logs/normalise_text/small.log").read_text()


@pytest.mark.parametrize("how", ["a pipe", "a dumb terminal", "--verbose"])
def test_where_nobody_watches_or_wants_it_snakemake_speaks_for_itself(new_workspace, how):
    if how == "a pipe":
        said = new_workspace.snakemake(TEXT).stdout
    elif how == "a dumb terminal":
        said, _ = at_a_terminal(new_workspace, TEXT, TERM="dumb")
    else:
        said, _ = at_a_terminal(new_workspace, TEXT, "--verbose")
    assert (
        "rule normalise_text:" in said
        and "Job stats:" in said
        and "1 of 1 steps (100%) done" in said
    )
    assert "✓" not in said


def test_an_error_is_told_in_full(new_workspace):
    (new_workspace / "small.txt").write_bytes(b"\xff\xfe\x00\xd8" * 50)
    sent, code = at_a_terminal(new_workspace, TEXT, columns=60)
    assert code == 1
    said = "\n".join(lines(sent))
    log = (new_workspace / "logs/normalise_text/small.log").read_text(encoding="utf-8")
    message = next(line for line in log.splitlines() if "ERROR" in line)
    assert message in said, "it was cut or broken"
    assert "Error in rule normalise_text" in said and "✓ normalise_text" not in said


def test_what_a_target_without_outputs_tells_stays_on_the_terminal(shown):
    workspace, _ = shown
    sent, code = at_a_terminal(workspace, "estimate")
    assert code == 0, sent
    plain = workspace.snakemake("estimate").stdout
    table = [line for line in plain.splitlines() if "loopback" in line]
    assert table and set(table) <= set(lines(sent))
