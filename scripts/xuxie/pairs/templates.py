"""The prompt templates: which files each role reads, and the generator's questions made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from xuxie.pairs.passage import messages, numbered, slot
from xuxie.pairs.planning import Plan
from xuxie.prompts.template import read_prompt, read_template

OF_GENERATOR = {
    "cut": ("system", "cut", "cut_slot"),
    "span": ("system", "generate", "slot"),
    "write": ("system", "write", "write_slot"),
}
"""By mode: who the generator is, what it does, and what it is told of each pair."""

OF_JUDGE = ("system", "judge")

OF_SKETCH = ("system", "sketch")


_OF_A_PAIR = ("slot", "prompt_min", "prompt_max", "completion_min", "completion_max", "cuts")

_NEEDED = {
    "cut": ("passage", "slots"),
    "cut_slot": ("slot", "cuts"),
    "generate": ("passage", "slots"),
    "slot": ("slot",),
    "write": ("passage", "slots"),
    "write_slot": ("slot",),
    "judge": ("prompt", "completion"),
    "sketch": ("passage",),
}
"""By file: the names without which an LLM is asked about nothing."""


def read_templates(files: Sequence[str | Path]) -> tuple[str, list[Template]]:
    """Who is asked, and the templates of what it is asked.

    Args:
        files: those of one role, in the order above.

    Raises:
        UserError: one cannot be read, or lacks a name or has one too many (see `read_template`).
    """
    system, *asked = map(Path, files)
    return read_prompt(system), [
        read_template(file, _NEEDED[file.stem], _OF_A_PAIR if file.stem.endswith("slot") else ())
        for file in asked
    ]


@dataclass(frozen=True)
class Templates:
    """The generator's prompt templates in one language: who it is, what it does, and what it is told of each pair."""

    system: str
    task: Template
    slot: Template

    @classmethod
    def read(cls, files: Sequence[str | Path]) -> "Templates":
        """The templates in the files of a mode."""
        system, (task, slot) = read_templates(files)
        return cls(system, task, slot)

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
