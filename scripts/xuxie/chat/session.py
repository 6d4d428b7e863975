"""A story that a person and a model write by turns."""

from dataclasses import dataclass

from xuxie.prompts.told import outline_line
from xuxie.sampling.memory import Remember
from xuxie.sampling.turns import Story

SENTENCE_ENDS = tuple("。！？…；.!?;”’」』")


@dataclass
class Turn:
    """What the person gave, which may be nothing, and what the model wrote to it (None: nothing yet).

    Attributes:
        outline: what was to happen in that; empty if nothing was said.
    """

    given: str
    written: str | None = None
    outline: str = ""


class Session:
    """The story so far, and how it may be asked to go on.

    The model is asked as the rows of its training are (see `Story`): with the story so far, or where these have earlier turns
    with the passage that goes before, which what a person adds to the model's text makes longer.

    Args:
        instruction, system: what the model was trained with.
        history_turns: the most earlier turns that a question may have, as in the training data.
        language: that it is told of the story in.
        remember: how it is told of what the window has lost, if its rows were told so.
    """

    def __init__(
        self,
        instruction: str,
        system: str | None,
        history_turns: int,
        language: str = "zh",
        remember: Remember | None = None,
    ):
        self._history_turns, self._language, self._remember = history_turns, language, remember
        self.outline = ""
        self._row = {
            "id": "the story",
            "instruction": instruction,
            "system": system or "",
            "history": [],
            "output": "",
        }
        self.turns: list[Turn] = []

    @property
    def text(self) -> str:
        """The whole story."""
        return "".join(self._passages())

    def give(self, text: str) -> bool:
        """Begin a turn with a person's text, or with none to let the model go on; False if there is nothing to continue."""
        if not text and not self.turns:
            return False
        # A new paragraph, unless the person completes a sentence.
        joint = "\n" if text and self.turns and self.text.endswith(SENTENCE_ENDS) else ""
        self.turns.append(Turn(joint + text, outline=self.outline))
        self.outline = ""
        return True

    def plan(self, outline: str) -> None:
        """Say what is to happen in the next passage."""
        self.outline = outline

    def take(self, text: str) -> None:
        """The model's answer to the last turn."""
        self.turns[-1].written = text

    def retry(self) -> bool:
        """Take the model's last answer back, to ask again; False if there is none."""
        if not self.turns:
            return False
        self.turns[-1].written = None
        return True

    def undo(self) -> bool:
        """Take the last turn back, the person's text and the model's; False if there is none."""
        return bool(self.turns) and bool(self.turns.pop())

    def story(self) -> Story:
        """The story in the form that asks for its next passage."""
        first, *later = self._passages()
        outline = outline_line(self.turns[-1].outline, self._language)
        # Only the passage that is asked for is told of; those before are the story.
        outlines = ["" for _ in later] + [outline]
        row = {**self._row, "input": first, "outlines": outlines}
        story = Story(row, self._history_turns, self._remember)
        story.turns = later
        return story

    def _passages(self) -> list[str]:
        passages = [""]
        for turn in self.turns:
            passages[-1] += turn.given
            if turn.written:
                passages.append(turn.written)
        return passages
