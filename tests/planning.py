"""Dry runs: each is a Snakemake of its own, but all of a test process share one import of it and its plugins, which is most of what they take."""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_SERVER = """
import gc, json, os, sys
import nbformat, requests, smart_open  # which Snakemake imports when it needs them, and each plan does
import snakemake.cli
import xuxie.config.completion, xuxie.config.resolution
snakemake.cli.get_argument_parser()  # imports all plugins
gc.freeze()
gc.disable()  # a plan is over before there is much to collect: looking takes a third of its time
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["snakemake", *asked["arguments"]]
        snakemake.cli.main(asked["arguments"])
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def plan_in(
    folder: Path, *arguments: str, check: bool = True, **environment: str
) -> subprocess.CompletedProcess:
    """What `snakemake -n` with these arguments says in a folder; output is text of stdout and stderr together.

    What the interpreter reads as it starts, such as PYTHONPATH, has no effect.
    """
    planner, asked = _planner(), ["-n", *arguments]
    with tempfile.TemporaryDirectory() as said:
        output = Path(said) / "output"
        request = {
            "folder": str(folder),
            "arguments": asked,
            "environment": {**os.environ, **environment},
            "said": str(output),
        }
        planner.stdin.write(json.dumps(request) + "\n")
        planner.stdin.flush()
        code = int(planner.stdout.readline())
        text = output.read_text(encoding="utf-8", errors="replace")
    if check and code:
        raise AssertionError(f"snakemake {' '.join(asked)} failed:\n{text}")
    return subprocess.CompletedProcess(asked, code, text)


@cache
def _planner() -> subprocess.Popen:
    """It ends when this process does, and with it the pipe to it."""
    return subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
