"""The order of rows, which follows from seed and epoch alone."""

import torch
import transformers
from transformers.trainer_pt_utils import LengthGroupedSampler

from xuxie.runtime.hooks import put_in_place


class SeededLengthGroups(LengthGroupedSampler):
    """Rows of like length together, in an order that a resumed run finds again.

    The library's sampler draws the order of each epoch from the generator that dropout draws from too. A run that
    goes on within a later epoch would draw another order, repeat some rows and miss others.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seed, self.epoch = torch.initial_seed(), 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader before each epoch."""
        self.epoch = epoch

    def __iter__(self):
        self.generator = torch.Generator()
        self.generator.manual_seed(self.seed + self.epoch)
        return super().__iter__()


def order_by_seed() -> None:
    """Let every trainer of this process group rows by length in this order."""
    put_in_place(transformers.trainer, "LengthGroupedSampler", SeededLengthGroups)
