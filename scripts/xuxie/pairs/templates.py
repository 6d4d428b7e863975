"""The prompt templates: which files each role reads, and the generator's questions made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from xuxie.pairs.passage import messages, numbered, slot
from xuxie.pairs.planning import Plan

OF_GENERATOR = {
    "cut": ("system", "cut", "cut_slot"),
    "span": ("system", "generate", "slot"),
    "write": ("system", "write", "write_slot"),
}
"""By mode: who the generator is, what it does, and what it is told of each pair."""

OF_JUDGE = ("system", "judge")

OF_SKETCH = ("system", "sketch")


def read_templates(files: Sequence[str | Path]) -> list[str]:
    """The templates in these files."""
    return [Path(file).read_text(encoding="utf-8").strip() for file in files]


@dataclass(frozen=True)
class Templates:
    """The generator's prompt templates in one language: who it is, what it does, and what it is told of each pair."""

    system: str
    task: Template
    slot: Template

    @classmethod
    def read(cls, files: Sequence[str | Path]) -> "Templates":
        """The templates in the files of a mode."""
        system, task, slot = read_templates(files)
        return cls(system, Template(task), Template(slot))

    def ask(self, plan: Plan) -> list[dict]:
        """The messages that ask for a chunk's pairs. What is the same for every chunk comes first, for the prefix cache."""
        slots = "\n".join(
            self.slot.substitute(
                slot=slot(index),
                prompt_min=length.prompt[0],
                prompt_max=length.prompt[1],
                completion_min=length.completion[0],
                completion_max=length.completion[1],
                cuts="、".join(str(cut.completion_first) for cut in options),
            )
            for index, (length, options) in enumerate(plan.slots)
        )
        passage = numbered(plan.chunk["text"])
        return messages(self.system, self.task.substitute(passage=passage, slots=slots))
