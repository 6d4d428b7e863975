"""A dataset of the configuration: its novels and how its rows are asked."""

from dataclasses import dataclass

from xuxie.config.novel import Novel


@dataclass(frozen=True)
class Dataset:
    """Some novels, as rows to train on.

    Attributes:
        entry: its whole entry in the configuration.
        generator: the endpoint that proposes pairs of its novels; None if no LLM is asked.
        preference_template: the question to the judge of samples, in the language of the first novel.
        foreign_text: a text that is none of its novels, in their language, for the exam of the metrics; nothing ([]) if there is none.
    """

    name: str
    entry: dict
    novels: tuple[Novel, ...]
    generator: str | None
    preference_template: str
    foreign_text: str | list

    @property
    def asked_novels(self) -> list[str]:
        """The novels that an LLM is asked about: all or none."""
        return self.novel_names if self.generator else []

    @property
    def novel_names(self) -> list[str]:
        return self.entry["novels"]

    @property
    def languages(self) -> dict[str, str]:
        """The novels' languages by name."""
        return {novel.name: novel.language for novel in self.novels}

    @property
    def train(self) -> str:
        """The rows to train on."""
        return f"results/datasets/{self.name}/train.jsonl"

    @property
    def train_text(self) -> str:
        """The training chapters as they stand."""
        return f"results/datasets/{self.name}/train_text.jsonl"

    @property
    def val(self) -> str:
        """The rows that are watched in training."""
        return f"results/datasets/{self.name}/val.jsonl"

    @property
    def test(self) -> str:
        """The held-out rows."""
        return f"results/datasets/{self.name}/test.jsonl"

    @property
    def exam(self) -> str:
        """What the metrics of a text can tell of its held-out chapters."""
        return f"results/datasets/{self.name}/exam.json"

    @property
    def exam_passages(self) -> str:
        """The passages that this was tried on."""
        return f"results/datasets/{self.name}/exam_passages.jsonl"

    @property
    def history_turns(self) -> int:
        """The most earlier turns that its rows have, and a question is asked with."""
        history = self.entry["history"]
        return history["turns"][1] if history["share"] else 0

    @property
    def instruction(self) -> str:
        """The instruction before each passage: of several wordings, the first."""
        return self.entry["instruction"][0]

    @property
    def system(self) -> str | None:
        """The system prompt of its rows: of several wordings, the first; None if they have none."""
        return next(iter(self.entry["system"]), None)
