"""What a device is taken to do where nothing was measured. Half or twice as much would be no surprise; a real run tells better."""

import os
from dataclasses import dataclass

CPU_FLOPS = 0.09e12
"""FLOP/s of a core in training: half of what benchmarks/README.md has of two (`benchmarks/train/run.py`)."""

CPU_DECODING_FLOPS = 0.02e12
"""FLOP/s of a core in sampling eight prompts at once, which waits for memory: of the same page (`benchmarks/sampling/run.py`)."""

PEAKS = {
    "H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L40": 181e12, "A6000": 155e12, "4090": 165e12,
    "3090": 71e12, "A10": 125e12, "L4": 121e12, "V100": 125e12, "T4": 65e12,
}  # fmt: skip
"""Dense half-precision FLOP/s of GPUs, from the vendors' data sheets; longer names first."""

OTHER_PEAK = 150e12
"""Of a GPU that is not here to tell its name, or is not in the list."""

UTILISATION = 0.3
"""The share of its peak that a GPU reaches in training."""

GPU_STEPS = 25
"""Tokens a second that a GPU writes to each prompt of a batch: layer by layer, kernels are started one by one."""


@dataclass(frozen=True)
class Speed:
    """What is assumed of the device that trains and samples.

    Attributes:
        flops: FLOP/s in training and reading, of all its GPUs.
        gpu: whether it is a GPU.
        decoding_flops: FLOP/s in sampling on a CPU.
        loading: seconds until a job has its model.
        source: all this in words.
    """

    flops: float
    gpu: bool
    decoding_flops: float
    loading: float
    source: str

    def written(self, weights: float, batch: int) -> float:
        """Tokens a second that are sampled in batches of a size, from a model of so many weights."""
        return GPU_STEPS * batch if self.gpu else self.decoding_flops / (2 * weights)


def assumed_speed(*, gpu: str | None, cores: int, devices: int = 1) -> Speed:
    """What is assumed of a GPU, or, without one, of so many cores.

    Args:
        gpu: its name; empty for one that is elsewhere; None for none.
        devices: how many of them train at once.
    """
    if gpu is None:
        flops = CPU_FLOPS * cores * devices
        said = f"assumed: {cores} cores of {CPU_FLOPS / 1e12:g} TFLOP/s"
        return Speed(flops, False, CPU_DECODING_FLOPS * cores, 30, said)
    name, peak = next(
        ((name, peak) for name, peak in PEAKS.items() if name in gpu), ("", OTHER_PEAK)
    )
    said = f"assumed: {devices} x {name or 'GPU'}, {UTILISATION:.0%} of {peak / 1e12:g} TFLOP/s"
    return Speed(UTILISATION * peak * devices, True, 0, 60, said)


def device_here(memory: float | None) -> tuple[str | None, int]:
    """The name of the GPU that will train and the cores of this machine, as `assumed_speed` takes them.

    Args:
        memory: `adapters.*.memory`, which says that the GPU may be elsewhere.
    """
    import torch

    cores = min(8, len(os.sched_getaffinity(0)))
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).name, cores
    return ("" if memory else None), cores
