"""A dataset of the configuration: its novels and how its rows are asked."""

from dataclasses import dataclass

from xuxie.config.model import Model
from xuxie.config.novel import Novel


@dataclass(frozen=True)
class Dataset:
    """Some novels, as rows to train on.

    Attributes:
        entry: its whole entry in the configuration.
        language: that an LLM is asked in about it, and that its rows are told of the story in.
        generator: the endpoint that proposes pairs of its novels; None if no LLM is asked.
        sketch_templates: files of the prompt templates that ask what happens in a passage.
        sketch_model: the model that says whether the answers fit.
        preference_template: the question to the judge of samples, in the language of the first novel.
        paraphrase_template: what asks for a passage in plain words, in the same language.
        foreign_text: a text that is none of its novels, in their language, for the exam of the metrics; nothing ([]) if there is none.
    """

    name: str
    entry: dict
    novels: tuple[Novel, ...]
    language: str
    generator: str | None
    sketch_templates: list[str]
    sketch_model: Model
    preference_template: str
    paraphrase_template: str
    foreign_text: str | list

    @property
    def asked_novels(self) -> list[str]:
        """The novels that an LLM is asked about: all or none."""
        return self.novel_names if self.generator else []

    @property
    def novel_names(self) -> list[str]:
        """The names of its novels, in the order of the configuration."""
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
    def val_text(self) -> str:
        """The val chapters as plain text."""
        return f"results/datasets/{self.name}/val_text.jsonl"

    @property
    def test(self) -> str:
        """The held-out rows."""
        return f"results/datasets/{self.name}/test.jsonl"

    @property
    def ledger(self) -> str:
        """Where everything went."""
        return f"results/datasets/{self.name}/ledger.json"

    @property
    def cast(self) -> str | list:
        """Who and where its rows are told of; nothing ([]) if they are not."""
        told = self.entry["rows"]["state"]["share"]
        return f"results/datasets/{self.name}/cast.json" if told else []

    @property
    def exam(self) -> str:
        """What the metrics of a text can tell of its held-out chapters."""
        return f"results/datasets/{self.name}/exam.json"

    @property
    def exam_passages(self) -> str:
        """The passages that the exam was tried on."""
        return f"results/datasets/{self.name}/exam_passages.jsonl"

    @property
    def paraphrased(self) -> str:
        """The exam's passages in plain words."""
        return f"results/datasets/{self.name}/paraphrased.jsonl"

    @property
    def is_sketched(self) -> bool:
        """Whether an LLM is asked what happens in its passages."""
        return bool(told_by_an_llm(self.entry["rows"]))

    @property
    def outlines(self) -> dict:
        """How its outlines are asked for and checked."""
        return self.entry["rows"]["outlines"]

    @property
    def sketches(self) -> list[str]:
        """The passages that an LLM is asked about, its answers, whether they fit, and what they took; nothing ([]) if nobody is asked."""
        files = ("passages.jsonl", "sketches.jsonl", "sketches.json", "sketches.usage.json")
        return [f"results/datasets/{self.name}/{file}" for file in files if self.is_sketched]

    @property
    def entry_as_listed(self) -> dict:
        """Its entry, without what only says how sentences about its passages are checked."""
        rows = {**self.entry["rows"], "outlines": {"share": self.outlines["share"]}}
        return {**self.entry, "rows": rows}

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


def told_by_an_llm(rows: dict) -> list[str]:
    """The keys of a dataset's `rows` for which an LLM says what happens in passages; none if none is asked."""
    state = rows["state"]
    asked = {
        "outlines.share": rows["outlines"]["share"],
        "state.summary": state["share"] and state["summary"],
    }
    return [key for key, wanted in asked.items() if wanted]
