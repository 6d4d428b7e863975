"""Run a job's function in the environment that its model needs.

Most models share one environment. Some, such as Qwen-1 with its own code, run only under releases from years ago, and
their entry in the config names an environment of their own. Under `--sdm conda` Snakemake has started the job in it
already; without conda it is a virtual environment beside the workflow, and the function is handed over to its Python.
"""

import functools
import importlib.metadata
import importlib.util
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from xuxie.errors import UserError
from xuxie.runtime.clone import REPOSITORY, SCRIPTS, child_environment
from xuxie.runtime.parent import end_with_parent

logger = logging.getLogger(__name__)

SHARED = ("train", "gpu")
"""The second has the packages of the first and more: without conda both are the environment that runs the workflow."""


def in_environment(function: Callable) -> Callable:
    """The function with one more argument, `environment`: the name of the environment to run in.

    The function must have the name of its script, and its arguments must fit into JSON.
    """

    @functools.wraps(function)
    def run(*, environment: str, **arguments) -> None:
        python = python_of(environment)
        if python is None:
            function(**arguments)
        else:
            _hand_over(python, function.__name__, arguments)

    return run


def python_of(environment: str) -> Path | None:
    """The interpreter of an environment; None if it is this one.

    Raises:
        UserError: the environment has not been made.
    """
    if environment in SHARED or _runs_here(environment):
        return None
    places = [folder / f".venv-{environment}/bin/python" for folder in (Path.cwd(), REPOSITORY)]
    for python in places:
        if python.exists():
            return python
    raise UserError(
        f"the environment {environment} has not been made",
        where=f"models.*.environment; looked for {' and '.join(map(str, places))}",
        remedy=f"make it once with `make .venv-{environment}`, or let Snakemake make it: --sdm conda",
    )


def _runs_here(environment: str) -> bool:
    """Whether this interpreter has the LLaMA-Factory that the environment's lock names."""
    lock = (REPOSITORY / f"envs/{environment}.lock").read_text(encoding="utf-8")
    wanted = re.search(r"^llamafactory==([^\s;\\]+)", lock, re.MULTILINE)
    try:
        return wanted is not None and importlib.metadata.version("llamafactory") == wanted[1]
    except importlib.metadata.PackageNotFoundError:
        return False


def _hand_over(python: Path, name: str, arguments: dict) -> None:
    """Call the function of a script in another interpreter; what it says goes to this job's log."""
    logger.info("in %s", python)
    process = subprocess.Popen(
        [str(python), "-m", "xuxie.runtime.environments", name],
        env=child_environment(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert process.stdin and process.stdout  # pipes, as asked for
    json.dump(arguments, process.stdin, default=list)
    process.stdin.close()
    last = ""
    for line in process.stdout:
        if line.strip():
            last = line.strip()
            logger.info("%s", line.rstrip())
    if process.wait() != 0:
        raise UserError(
            f"{name} failed in {python}: {last}", where="the lines above", remedy="see there"
        )


def main() -> None:
    """Call the function named on the command line with the arguments on standard input."""
    end_with_parent()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    name = sys.argv[1]
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec and spec.loader  # the file is there
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    try:
        getattr(script, name)(**json.load(sys.stdin))
    except UserError as error:
        print(error, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
