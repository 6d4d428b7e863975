"""How a rule's script meets Snakemake: one call that maps the job onto a plain function."""

import errno
import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from xuxie.errors import UserError
from xuxie.runtime.parent import end_with_parent

#: Faults of the storage under a file, with what to do about each.
STORAGE_FAULTS = {
    errno.ENOSPC: "make room on that disk and start again: what is done is kept",
    errno.EDQUOT: "make room, or have the quota raised, and start again: what is done is kept",
    errno.EROFS: "mount it for writing, or work in another folder (snakemake --directory)",
    errno.EACCES: "let this user write there, or work in another folder (snakemake --directory)",
    errno.ESTALE: "the shared file system has lost the file; start again when it is well",
    errno.EIO: "the disk or the shared file system fails; start again when it is well",
}


#: Sections of the config that no param carries. Addresses, limits, prices and budgets shape how an
#: endpoint is asked, not what it answers: as params, a change of them would run paid calls again.
UNWATCHED = ("endpoints", "llm")

#: Set in the environment of jobs whose run is shown on a terminal (scripts/snakemake_logger_plugin_xuxie).
DISPLAYED = "XUXIE_DISPLAYED"


def run_job(function: Callable, snakemake) -> None:
    """Call `function` with a job's params, and with what else of the job it names, as keyword arguments.

    It may name inputs and outputs, of which some are there only so that Snakemake knows of them;
    `threads`, `resources` and `wildcards`; and the sections of the config that are no params,
    `endpoints` and `llm`.

    Log records go to the rule's log file and to standard error. A `UserError` and a fault of the
    storage end the job with a message and exit status 1; any other exception keeps its traceback,
    as it is our fault.
    """
    log_to(snakemake.log[0] if snakemake.log else None)
    # A job that outlives a killed snakemake would do, and pay for, the same as the one that takes its place.
    end_with_parent()
    offered = {
        **dict(snakemake.input.items()),
        **dict(snakemake.output.items()),
        **{name: getattr(snakemake, name) for name in ("threads", "resources", "wildcards")},
        **{name: snakemake.config[name] for name in UNWATCHED},
    }
    named = inspect.signature(function).parameters
    taken = {name: value for name, value in offered.items() if name in named}
    arguments = {**taken, **dict(snakemake.params.items())}
    try:
        function(**arguments)
    except UserError as error:
        _give_up(error)
    except OSError as error:
        if error.errno not in STORAGE_FAULTS:
            raise
        # A write, unlike an opening, does not say which file it was for.
        where = error.filename or ", ".join(
            sorted({f"{Path(path).parent}/" for path in snakemake.output})
        )
        _give_up(UserError(f"{error.strerror}: {where}", remedy=STORAGE_FAULTS[error.errno]))


def _give_up(error: UserError) -> NoReturn:
    logging.getLogger("xuxie").error("%s", error)
    sys.exit(1)


def log_to(path: str | None) -> None:
    """Send the log to standard error and, if given, to a file (started anew).

    Where a display has the terminal, the file takes standard error's place, with all that
    libraries and child processes write there.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path and os.environ.get(DISPLAYED) and sys.stderr.isatty():
        with open(path, "wb") as file:
            os.dup2(file.fileno(), sys.stderr.fileno())
    elif path:
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    # Libraries that report every HTTP request would drown what matters.
    for chatty in ("httpx", "httpx2", "httpcore", "openai"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
