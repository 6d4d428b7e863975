"""A continuation longer than one answer: asked for in turns, as the rows of the training data ask."""

from collections.abc import Callable, Iterator

from xuxie.prompts.question import question
from xuxie.prompts.told import told
from xuxie.text.sentences import bounds, complete_sentences

_TURNS, _CHARACTERS = 64, 10
"""So many turns a story may take, and one more for each so many characters that it is to become: a model that ends every turn after
a few words will not keep a machine busy for ever."""

_SILENCES = 3
"""So often in a row a model may answer nothing before the story ends there; each time it is asked with other random numbers."""

_A_SENTENCE = 60
"""Tokens: the last turn has room for what the target lacks, and for the end of the sentence that reaches it."""

_FORGOTTEN_AT_ONCE = 4
"""Where the story outgrows the window, at least this part of it is left out, so that the next turns begin alike and need not be read anew."""


class Story:
    """One row's continuation, turn after turn.

    A turn asks as the rows of the training data ask. Where these have earlier turns, the input is the passage that the turn
    before has written, and `history` holds the turns before that, each passage the answer to a question that holds the
    passage before it. Where they have none, the input is the story so far. An input neither begins nor breaks off within a sentence, as
    none of the rows does: of an answer that ended for want of room, the sentence begun last is written anew.

    What a row is told of the story before its text, the question is told too, and with it of what the window has lost. A story
    that has outlines goes on from one to the next, a turn each.

    Args:
        row: the Alpaca row whose input is continued; `state` is what it is told, if anything, and `outlines` what is to
            happen in each turn.
        history_turns: the most earlier turns that a question may have, as in the training data; None for any number.
        remember: what a question is told after a text that the window has lost: (what it was told before, the text) -> what it is told.
    """

    def __init__(
        self,
        row: dict,
        history_turns: int | None = None,
        remember: Callable[[str, str], str] | None = None,
    ):
        self.row = row
        self.history_turns = history_turns
        self._remember = remember
        self._outlines = row.get("outlines", [])
        self.turns: list[str] = []
        self.forgotten = 0
        self.silences = 0
        self._stops: list[str] = []
        self._counts = {"tokens": 0, "prompt_tokens": 0, "seconds": 0.0}
        self._foreign_stop: int | None = None

    @property
    def text(self) -> str:
        """What has been written."""
        return "".join(self.turns)

    def continues(self, target_chars: int) -> bool:
        """Whether a further turn is wanted: the target is not reached or an outline is left, and the model has not fallen silent."""
        if not target_chars and not self._outlines:
            return not self.turns and not self.silences
        return (
            (len(self.text) < target_chars or len(self.turns) < len(self._outlines))
            and self.silences < _SILENCES
            and len(self.turns) < max(_TURNS + target_chars // _CHARACTERS, len(self._outlines))
        )

    @property
    def turn(self) -> tuple[int, ...]:
        """What tells the next turn's chance from that of all others: its number, and how often nothing came."""
        return (len(self.turns), self.silences) if self.silences else (len(self.turns),)

    def room(self, target_chars: int, max_new_tokens: int) -> int:
        """Tokens for the next answer: the first has all of `max_new_tokens`, a later one no more than the target may take, a token a character."""
        if not target_chars or not self.turns or len(self.turns) + 1 < len(self._outlines):
            return max_new_tokens
        self._drop_broken_sentence()
        return min(max_new_tokens, max(0, target_chars - len(self.text)) + _A_SENTENCE)

    def asks(self, *, as_one_text: bool = False) -> Iterator[dict]:
        """The rows that may ask for the next turn: with the whole story, then with ever less of its beginning.

        The caller takes the first that fits its window; `forgotten` then says how many characters that row leaves out.

        Args:
            as_one_text: with the story so far as the input, whatever rows have.
        """
        self._drop_broken_sentence()
        passages = [self.row["input"], *self.turns]
        outline = next(iter(self._outlines[len(self.turns) :]), "")
        plain = as_one_text or self.history_turns == 0 and not self.row["history"]
        for text, history, lost in self._plainly(passages) if plain else self._in_turns(passages):
            self.forgotten = len(lost)
            asked = told(self.row["instruction"], self._state(lost), outline)
            yield {**self.row, "instruction": asked, "input": text, "history": history}

    def _plainly(self, passages: list[str]) -> Iterator[tuple[str, list, str]]:
        """The story so far as (text, no earlier turns, what is lost), from where the turn before began on."""
        story, start = "".join(passages), self.forgotten
        begins = bounds(story, 0, len(story))[1:-1]
        yield story[start:], [], story[:start]
        while later := [edge for edge in begins if edge > start]:
            wanted = start + (len(story) - start) // _FORGOTTEN_AT_ONCE
            start = next((edge for edge in later if edge >= wanted), later[-1])
            yield story[start:], [], story[:start]

    def _in_turns(self, passages: list[str]) -> Iterator[tuple[str, list, str]]:
        """The last passage, the turns before it, and what is lost, the oldest passage first."""
        story = "".join(passages)
        begins, start = [0, *bounds(story, 0, len(story))[1:-1]], 0
        for first, passage in enumerate(passages):
            # The model may have ended the turn before within a sentence.
            begin = next((edge for edge in begins if edge >= start), len(story))
            end = start + len(passage)
            shown = [story[begin:end], *passages[first + 1 :]]
            lost, last, start = story[:begin], first == len(passages) - 1, end
            if begin >= end and not last:
                continue
            own = [] if first else list(self.row["history"] or [])
            if self.history_turns == 0 and not own:
                yield "".join(shown) or passage, [], lost
                continue
            earlier = zip(shown[:-2], shown[1:-1], strict=True)
            asked = [[question(self.row["instruction"], old), new] for old, new in earlier]
            history = own + asked
            deep = self.history_turns is not None and len(history) > self.history_turns
            if not (deep and self.turns):
                yield shown[-1] or passage, history, lost

    def _state(self, lost: str) -> str:
        """What a question is told of the story where so much of it is lost."""
        state = self.row.get("state", "")
        return self._remember(state, lost) if self._remember and lost else state

    def _drop_broken_sentence(self) -> None:
        """Take back the sentence that the last answer had no room to end, if others stand before it."""
        if self.turns and self._stops[-1:] == ["length"]:
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
        """Take in a turn's answer; one of white space alone is none, and only counted.

        Args:
            stop: "natural" or "length".
            foreign_stop: where in this text an end token stood that the template does not stop on.
        """
        if foreign_stop is not None and self._foreign_stop is None:
            self._foreign_stop = len(self.text) + foreign_stop
        self._stops.append(stop)
        self.silences = 0 if text.strip() else self.silences + 1
        if text.strip():
            self.turns.append(text)
        for name, value in (
            ("tokens", tokens),
            ("prompt_tokens", prompt_tokens),
            ("seconds", seconds),
        ):
            self._counts[name] += value

    def output(self) -> dict:
        """The entry of samples.jsonl: text, stop (of the first answer, which has all the room: "natural" or "length"), tokens,
        prompt_tokens (of all turns), seconds, turns (where each ends in the text), forgotten (characters of the story that the window had lost in the last turn) and foreign_stop
        (where in the text the first end token stood that nobody stopped on, or null).
        """
        ends, end = [], 0
        for turn in self.turns:
            end += len(turn)
            ends.append(end)
        counts = {**self._counts, "seconds": round(self._counts["seconds"], 3)}
        return {
            "text": self.text,
            "stop": next(iter(self._stops), ""),
            **counts,
            "turns": ends,
            "forgotten": self.forgotten,
            "foreign_stop": self._foreign_stop,
        }
