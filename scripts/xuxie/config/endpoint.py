"""An endpoint of the configuration, as far as it shapes answers."""

from dataclasses import dataclass

from xuxie.config.model import Model


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, as far as it shapes answers: its limits and prices are no part of it.

    Attributes:
        answering: the model that answers, as the journal knows it.
        embedded: the model that is served here; None for an endpoint elsewhere.
        by_batch: its answers come within a day.
    """

    name: str
    answering: str
    embedded: Model | None
    by_batch: bool

    @property
    def identity(self) -> dict[str, str]:
        """What a rule is told of it: while this is the same, so are the answers."""
        return {"name": self.name, "model": self.answering}

    @property
    def gguf(self) -> str | list:
        """The weights that it serves; nothing, which Snakemake writes as [], for an endpoint elsewhere."""
        return self.embedded.gguf if self.embedded else []

    @property
    def threads(self) -> int:
        """Cores for a job that asks it: an embedded model computes in the job, another one is only waited for."""
        return 8 if self.embedded else 1

    @property
    def minutes_of_batch(self) -> int:
        """How long a job may have to wait for a batch: what providers promise, and an hour."""
        return 25 * 60 if self.by_batch else 0

    @property
    def as_rival(self) -> dict:
        """What the sampling of an adapter that is compared with it must know."""
        return {"endpoint": self.name, "identity": self.identity, "gguf": self.gguf or None}

    @property
    def files_as_rival(self) -> list[str]:
        """The weights that are loaded for that."""
        return [self.embedded.gguf] if self.embedded else []
