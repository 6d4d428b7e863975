"""LLaMA-Factory's command line, with what it lacks put in place first: `python -m xuxie.training.launcher train FILE.yaml`.

With several GPUs or nodes LLaMA-Factory starts torchrun over its own file, where nothing prepared here would
survive; so torchrun is pointed at this module, which prepares each worker in the same way.
"""

import logging
import os
import signal
import sys
import threading
import time

from xuxie.factory import import_factory
from xuxie.training.generate import keep_own_generate
from xuxie.training.order import order_by_seed
from xuxie.training.progress import show_progress

TORCHRUN_TARGET = "-m xuxie.training.launcher"


def main() -> None:
    """Run the command in `sys.argv`, or, under torchrun, the training that it stands for."""
    end_with_parent()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    show_progress()
    order_by_seed()
    keep_own_generate()
    if "LOCAL_RANK" in os.environ:
        import_factory("llamafactory.train.tuner").run_exp()
    else:
        import_factory("llamafactory.launcher").__file__ = TORCHRUN_TARGET
        import_factory("llamafactory.cli").main()


def end_with_parent() -> None:
    """End this process, and its group if it leads one, soon after its parent is gone.

    A job that is killed outright cannot end its trainer, and a trainer that goes on alone would write over the
    checkpoints of the run that takes its place.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
