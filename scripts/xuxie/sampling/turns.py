"""A continuation longer than one answer: asked for in turns, the story so far kept in `history`."""

from xuxie.errors import UserError
from xuxie.prompting import BARE, Prompting
from xuxie.sampling.decoding import Continuation

_MAX_TURNS = 64


class Story:
    """One row's continuation, turn after turn.

    A turn asks as the rows of the training data ask: the instruction and the passage before it as input.
    From the second turn on, that passage is what the turn before has written, and `history` holds the
    turns before that, the oldest left out as soon as the prompt would outgrow its room. A bare model
    reads the whole story so far as one text, from its end.

    Args:
        row: the Alpaca row whose input is continued.
        system: a system prompt in place of the row's own.
        room: the most tokens that a prompt may have.
    """

    def __init__(self, row: dict, prompting: Prompting, *, system: str | None = None, room: int):
        self.row, self.prompting, self.system, self.room = row, prompting, system, room
        self.turns: list[str] = []
        self._stops: list[str] = []
        self._counts = {"tokens": 0, "prompt_tokens": 0, "seconds": 0.0}
        self._foreign_stop: int | None = None
        self._forgotten = 0

    @property
    def text(self) -> str:
        return "".join(self.turns)

    def continues(self, target_chars: int) -> bool:
        """Whether a further turn is wanted: the target is not reached, and the last turn brought something."""
        if not self.turns:
            return True
        return len(self.text) < target_chars and bool(self.turns[-1].strip()) and len(self.turns) < _MAX_TURNS

    def prompt_ids(self) -> list[int]:
        """What the next turn is asked with.

        Raises:
            UserError: not even the passage before the turn fits into the room.
        """
        if self.prompting.template_name == BARE:
            ids = self.prompting.prompt_ids({**self.row, "input": self.row["input"] + self.text})
            return ids[-self.room :]
        passages = [self.row["input"], *self.turns]
        for first in range(len(passages)):
            # Each earlier passage was the input of a question that the next passage answers.
            asked = [[_joined(self.row["instruction"], a), b] for a, b in zip(passages[first:-2], passages[first + 1 : -1], strict=True)]
            history = ([] if first else list(self.row.get("history") or [])) + asked
            ids = self.prompting.prompt_ids({**self.row, "input": passages[-1], "history": history}, system=self.system)
            if len(ids) <= self.room:
                break
        else:
            raise UserError(
                f"the prompt of row {self.row['id']} takes {len(ids)} tokens, but the model's window leaves room for {self.room}",
                where="sampling.max_new_tokens, datasets: the length of prompts",
                remedy="ask for fewer new tokens, or take a model with a longer window",
            )
        self._forgotten = sum(map(len, passages[:first]))
        return ids

    def add(self, continuation: Continuation, prompt_tokens: int) -> None:
        """Take in the answer to `prompt_ids`."""
        tokenizer = self.prompting.tokenizer
        foreign = next((i for i, token in enumerate(continuation.ids) if token in tokenizer.all_special_ids), None)
        if foreign is not None and self._foreign_stop is None:
            self._foreign_stop = len(self.text) + len(_text(tokenizer, continuation.ids[:foreign]))
        self.turns.append(_text(tokenizer, continuation.ids))
        self._stops.append(continuation.stop)
        for name, value in (("tokens", len(continuation.ids)), ("prompt_tokens", prompt_tokens), ("seconds", continuation.seconds)):
            self._counts[name] += value

    def output(self) -> dict:
        """The entry of samples.jsonl."""
        ends, end = [], 0
        for turn in self.turns:
            end += len(turn)
            ends.append(end)
        return {
            "text": self.text,
            "stop": self._stops[-1],
            **self._counts,
            "seconds": round(self._counts["seconds"], 3),
            "turns": ends,
            "forgotten": self._forgotten,
            "foreign_stop": self._foreign_stop,
        }


def _joined(instruction: str, passage: str) -> str:
    return f"{instruction}\n{passage}" if instruction else passage


def _text(tokenizer, ids: list[int]) -> str:
    # A cut in the middle of a character's bytes leaves a replacement character, which the model did not write.
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False).rstrip("\ufffd")
