"""LLaMA-Factory's command line, with what it lacks put in place first: `python -m xuxie.training.launcher train FILE.yaml`.

With several GPUs or nodes LLaMA-Factory starts torchrun over its launcher's file, where nothing prepared here would
survive; so torchrun is pointed at this module, which prepares each worker in the same way.
"""

import logging
import os
import sys
from collections.abc import Iterable
from types import FunctionType, ModuleType

from xuxie.runtime.llamafactory import import_factory
from xuxie.runtime.parent import end_with_parent
from xuxie.training.chunked_loss import chunk_loss_on_cpu
from xuxie.training.evaluated_once import evaluate_once
from xuxie.training.generate import keep_own_generate
from xuxie.training.numbered_cpus import read_onto_numbered_cpus
from xuxie.training.order import order_by_seed
from xuxie.training.precision import weights_in_compute_dtype_on_cpu
from xuxie.training.progress import show_progress

TORCHRUN_TARGET = "-m xuxie.training.launcher"


def main() -> None:
    """Run the command in `sys.argv`, or, under torchrun, the training that it stands for."""
    end_with_parent()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    show_progress()
    evaluate_once()
    order_by_seed()
    keep_own_generate()
    weights_in_compute_dtype_on_cpu()
    chunk_loss_on_cpu()
    read_onto_numbered_cpus()
    if "LOCAL_RANK" in os.environ:
        import_factory("llamafactory.train.tuner").run_exp()
    else:
        _number_node()
        factory, cli = import_factory("llamafactory.launcher"), import_factory("llamafactory.cli")
        _point_torchrun_here(factory, (factory.launch, cli.main))
        cli.main()


def _number_node() -> None:
    """Tell torchrun which of several nodes this is: `srun` starts one task on each, and numbers them."""
    if int(os.environ.get("NNODES", "1")) > 1:
        os.environ.setdefault("NODE_RANK", os.environ.get("SLURM_PROCID", "0"))


def _point_torchrun_here(launcher: ModuleType, starters: Iterable[FunctionType]) -> None:
    """Let LLaMA-Factory start this module where it would start its launcher's file.

    Args:
        launcher: LLaMA-Factory's.
        starters: the functions of which one, by release, starts torchrun.
    """
    if not any("__file__" in starter.__code__.co_names for starter in starters):
        raise RuntimeError(
            "LLaMA-Factory no longer starts torchrun over its launcher's file, and the workers would start unprepared; "
            "install the release that envs/ names"
        )
    launcher.__file__ = TORCHRUN_TARGET


if __name__ == "__main__":
    main()
