"""A continuation longer than one answer: asked for in turns, as the rows of the training data ask."""

from collections.abc import Iterator

from xuxie.prompts.question import question
from xuxie.text.sentences import complete_sentences

_MAX_TURNS = 64


class Story:
    """One row's continuation, turn after turn.

    A turn asks as the rows of the training data ask. Where these have earlier turns, the input is the passage that the turn
    before has written, and `history` holds the turns before that, each passage the answer to a question that holds the
    passage before it. Where they have none, the input is the story so far. An input never breaks off within a sentence, as
    none of the rows does: of an answer that ended for want of room, the sentence begun last is written anew.

    Args:
        row: the Alpaca row whose input is continued.
        history_turns: the most earlier turns that a question may have, as in the training data; None for any number.
    """

    def __init__(self, row: dict, history_turns: int | None = None):
        self.row = row
        self.history_turns = history_turns
        self.turns: list[str] = []
        self.forgotten = 0
        self._stop = ""
        self._counts = {"tokens": 0, "prompt_tokens": 0, "seconds": 0.0}
        self._foreign_stop: int | None = None

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self.turns)

    def continues(self, target_chars: int) -> bool:
        """Whether a further turn is wanted: the target is not reached, and the last turn brought something."""
        if not self.turns:
            return True
        return (
            len(self.text) < target_chars
            and bool(self.turns[-1].strip())
            and len(self.turns) < _MAX_TURNS
        )

    def asks(self) -> Iterator[dict]:
        """The rows that may ask for the next turn: with the whole story, then with ever less of its beginning.

        The caller takes the first that fits its window; `forgotten` then says how many characters that row leaves out.
        """
        self._drop_broken_sentence()
        passages = [self.row["input"], *self.turns]
        for first in range(len(passages)):
            own = [] if first else list(self.row["history"] or [])
            if self.history_turns == 0 and not own:
                text, history = "".join(passages[first:]), []
            else:
                earlier = zip(passages[first:-2], passages[first + 1 : -1], strict=True)
                asked = [[question(self.row["instruction"], old), new] for old, new in earlier]
                text, history = passages[-1], own + asked
            deep = self.history_turns is not None and len(history) > self.history_turns
            if deep and self.turns:
                continue
            self.forgotten = sum(map(len, passages[:first]))
            yield {**self.row, "input": text, "history": history}

    def _drop_broken_sentence(self) -> None:
        """Take back the sentence that the last answer had no room to end, if others stand before it."""
        if self._stop == "length":
            whole = complete_sentences(self.turns[-1], len(self.turns[-1]))
            self.turns[-1] = whole or self.turns[-1]

    def add(
        self,
        text: str,
        *,
        stop: str,
        tokens: int,
        prompt_tokens: int,
        seconds: float,
        foreign_stop: int | None = None,
    ) -> None:
        """Take in a turn's answer.

        Args:
            stop: "natural" or "length".
            foreign_stop: where in this text an end token stood that the template does not stop on.
        """
        if foreign_stop is not None and self._foreign_stop is None:
            self._foreign_stop = len(self.text) + foreign_stop
        self.turns.append(text)
        self._stop = stop
        for name, value in (
            ("tokens", tokens),
            ("prompt_tokens", prompt_tokens),
            ("seconds", seconds),
        ):
            self._counts[name] += value

    def output(self) -> dict:
        """The entry of samples.jsonl: text, stop ("natural" or "length"), tokens, prompt_tokens (of all turns), seconds, turns (where
        each ends in the text), forgotten (characters of the story that the window had lost in the last turn) and foreign_stop
        (where in the text the first end token stood that nobody stopped on, or null).
        """
        ends, end = [], 0
        for turn in self.turns:
            end += len(turn)
            ends.append(end)
        counts = {**self._counts, "seconds": round(self._counts["seconds"], 3)}
        return {
            "text": self.text,
            "stop": self._stop,
            **counts,
            "turns": ends,
            "forgotten": self.forgotten,
            "foreign_stop": self._foreign_stop,
        }
