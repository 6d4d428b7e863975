"""The processes of a server that this process has started."""

import contextlib

import psutil
from patience import wait_until
from xuxie.runtime import supervisor


def started() -> list[psutil.Process]:
    """The supervisor, the server, and what that has started; none if there is none."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if supervisor.__file__ in child.cmdline():
                return [child, *child.children(recursive=True)]
    return []


def kill_server() -> None:
    """Kill the server itself, once it is there."""
    wait_until(lambda: len(started()) > 1, "the server", lambda: len(started()))
    started()[1].kill()


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or would be if somebody asked how it ended."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
