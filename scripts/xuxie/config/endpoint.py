"""An endpoint of the configuration, as far as it shapes answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, as far as it shapes answers: its limits and prices are no part of it.

    Attributes:
        answering: the model that answers, as the journal knows it.
        embedded: whether the job serves the model to itself.
        serve: how the job starts a server of the user's, `serve` of the configuration; None if it starts none.
        weights: the files of the model that is served here; none of an endpoint elsewhere.
        by_batch: its answers come within a day.
    """

    name: str
    answering: str
    embedded: bool
    serve: dict | None
    weights: list[str]
    by_batch: bool

    @property
    def identity(self) -> dict[str, str]:
        """What a rule is told about it: as long as this is the same, so are the answers."""
        return {"name": self.name, "model": self.answering}

    @property
    def threads(self) -> int:
        """Cores for a job that asks it: a model that is served here computes in the job, another one is only waited for."""
        if self.serve:
            return self.serve["threads"]
        return 8 if self.embedded else 1

    @property
    def gpus(self) -> int:
        """GPUs for a job that asks it."""
        return self.serve["gpus"] if self.serve else 0

    @property
    def minutes_of_batch(self) -> int:
        """How long a job may have to wait for a batch: what providers promise, plus an hour."""
        return 25 * 60 if self.by_batch else 0

    @property
    def as_rival(self) -> dict:
        """What the sampling of an adapter that is compared with it must know."""
        return {"endpoint": self.name, "identity": self.identity, "weights": self.weights}

    @property
    def files_as_rival(self) -> list[str]:
        """The weights that are loaded for that."""
        return self.weights
