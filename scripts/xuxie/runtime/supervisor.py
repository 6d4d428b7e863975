"""The process between a job and a server: it sees to it that the server, and whatever that starts, ends with the job, however the job ends.

It is run as a file, `supervisor.py GRACE COMMAND...`, with nothing on its path but what Python brings and psutil: the server may
live in an environment of its own. The end of its standard input is the end of the job; its exit status is that of the server.
"""

import contextlib
import ctypes
import select
import signal
import subprocess
import sys

import psutil

_LOOK = 0.1  # seconds between two looks at the server
_NOT_FOUND = 127  # exit status, as a shell's
_SET_DEATH_SIGNAL, _ADOPT_ORPHANS = 1, 36  # prctl(2), on Linux


def supervise(command: list[str], grace: float) -> int:
    """Run a command until it ends or standard input does; leave nothing of it running.

    Args:
        command: words; no shell reads them.
        grace: seconds that it gets to end by itself after a SIGTERM; 0 kills at once.

    Returns:
        its exit status, 128 and the signal's number if a signal ended it.
    """
    _prctl(_ADOPT_ORPHANS, 1)  # a grandchild whose parent is gone becomes a child of ours
    for number in (signal.SIGINT, signal.SIGTERM):
        # Schedulers send them to every process of a job. The job says when it is done with the server: its calls in flight
        # are paid for. A handler, as the server would inherit that they are ignored.
        signal.signal(number, lambda *_: None)
    try:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return _NOT_FOUND
    while server.poll() is None and not select.select([sys.stdin], [], [], _LOOK)[0]:
        pass
    if grace and server.poll() is None:
        server.terminate()
        psutil.wait_procs(_below(), timeout=grace)
    while left := _below():
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=_LOOK)
    status = server.wait()
    return status if status >= 0 else 128 - status


def _below() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _die_with_parent() -> None:
    """Runs in the server's process before it begins: if even this supervisor is killed, so is the server."""
    _prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[2:], float(sys.argv[1])))
