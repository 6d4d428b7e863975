"""LLaMA-Factory's command line, with what it lacks put in place first: `python -m xuxie.training.launcher train FILE.yaml`.

With several GPUs or nodes LLaMA-Factory starts torchrun over its own file, where nothing prepared here would
survive; so torchrun is pointed at this module, which prepares each worker in the same way.
"""

import logging
import os
import sys

from xuxie.factory import import_factory
from xuxie.training.generate import keep_own_generate
from xuxie.training.progress import Progress

TORCHRUN_TARGET = "-m xuxie.training.launcher"


def main() -> None:
    """Run the command in `sys.argv`, or, under torchrun, the training that it stands for."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    os.environ.setdefault("LLAMAFACTORY_VERBOSITY", "INFO")
    keep_own_generate()
    tuner = import_factory("llamafactory.train.tuner")
    run = tuner.run_exp
    tuner.run_exp = lambda: run(callbacks=[Progress()])
    if "LOCAL_RANK" in os.environ:
        tuner.run_exp()
        return
    sys.modules["llamafactory.launcher"] = launcher = import_factory("llamafactory.launcher")
    launcher.__file__ = TORCHRUN_TARGET
    import_factory("llamafactory.cli").main()


if __name__ == "__main__":
    main()
