"""How pairs are made, scored and chosen."""

from dataclasses import dataclass

from xuxie.config.endpoint import Endpoint
from xuxie.config.model import Model


@dataclass(frozen=True)
class Scorer:
    """A scorer of pairs: by the likelihood of a `model`, or by a judge at an `endpoint`.

    Attributes:
        entry: its whole entry in the configuration.
    """

    name: str
    method: str
    entry: dict
    model: Model | None
    endpoint: Endpoint | None

    @property
    def calibration(self) -> float:
        """The share of pairs of which a judge also marks a negative."""
        return self.entry["calibration"]


@dataclass(frozen=True)
class Pairs:
    """How pairs are made and chosen.

    Attributes:
        scorers: those in use, by name, in the order of the configuration.
        tokenizer: config.json of the model whose tokens bound lengths; nothing ([]) where characters do.
        asking: the settings that shape the questions to both roles.
        written: whether the generator writes pairs of its own instead of pointing into the novel.
    """

    generator: Endpoint
    scorers: dict[str, Scorer]
    tokenizer: str | list
    asking: dict
    written: bool
    threshold: float
    near_duplicate: float
    max_overlap: float
    seed: int

    @property
    def judges(self) -> dict[str, Scorer]:
        """The scorers in use that ask an endpoint, by name."""
        return {name: scorer for name, scorer in self.scorers.items() if scorer.endpoint}
