"""What the rows of a novel tell of the story beside their passages: from which text, in which rows."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xuxie.dataset.novel import Novel
from xuxie.prompts.told import PEOPLE, PLACES, State, latest, outline_line
from xuxie.text.cast import Cast

_MAY_KNOW = {"train": {"train"}, "val": {"train", "val"}, "test": {"train", "val", "test"}}
"""The splits whose chapters a row of a split may be told of: what is held out from it is not."""


@dataclass
class Memory:
    """What is known of a novel before a place in it.

    Args:
        text: the novel's.
        spans: of its chapters by number.
        splits: of its chapters by number.
        headings: of its chapters by number.
        cast: who and where is looked for.
        summaries: what happens in a chapter, by number, of those that have one.
        language: the block's.
    """

    text: str
    spans: Mapping[int, tuple[int, int]]
    splits: Mapping[int, str]
    headings: Mapping[int, str]
    cast: Cast
    language: str
    summaries: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self):
        self._mentions = {
            kind: {
                number: find(self.text[start:end]) for number, (start, end) in self.spans.items()
            }
            for kind, find in (("people", self.cast.people), ("places", self.cast.places))
        }

    def before(self, place: int, chapter: int, split: str) -> str:
        """The block for a row whose text begins at this place of its chapter, made of what stands before it and is not held out from the row."""
        earlier = [
            number
            for number in sorted(self.spans, reverse=True)
            if number < chapter and self.splits[number] in _MAY_KNOW[split]
        ]
        state = State(
            self.headings[chapter],
            latest(self._backwards("people", place, chapter, earlier), PEOPLE),
            latest(self._backwards("places", place, chapter, earlier), PLACES),
            next((self.summaries[number] for number in earlier if number in self.summaries), ""),
        )
        return state.line(self.language)

    def _backwards(self, kind: str, place: int, chapter: int, earlier: list[int]) -> Iterator[str]:
        """What was mentioned before a place, from there to the novel's beginning."""
        begin = self.spans[chapter][0]
        for number in (chapter, *earlier):
            for offset, name in reversed(self._mentions[kind][number]):
                if number != chapter or begin + offset + len(name) <= place:
                    yield name


@dataclass(frozen=True)
class Telling:
    """Which rows of a novel are told what.

    Attributes:
        seed: of the draws.
        memory: what is known before each place; None if no row is told of it.
        state_share: the share of rows that are told what went before.
        outlines: the lines that say what happens in a completion, by the ids of the rows that are told so.
    """

    seed: int
    memory: Memory | None = None
    state_share: float = 0
    outlines: Mapping[str, str] = field(default_factory=dict)

    def state(self, passage: dict, place: int, split: str) -> str:
        """What a row is told of what went before its text, which begins at this place."""
        if self.memory is None or not drawn(
            self.seed, passage["id"], "state", self.state_share, split
        ):
            return ""
        return self.memory.before(place, passage["chapter"], split)

    def outline(self, passage: dict) -> str:
        """What a row is told of what happens in its completion."""
        return self.outlines.get(passage["id"], "")


def telling_of(novel: Novel, headings: Mapping[int, str], settings: dict, language: str) -> Telling:
    """What a novel's rows are told; its cast is learnt from what is trained on alone.

    Args:
        headings: of its chapters by number.
        settings: the dataset's entry in the config.
        language: of the lines.
    """
    seed, share = settings["split"]["seed"], settings["rows"]["state"]["share"]
    outlines = {row: outline_line(said, language) for row, said in novel.outlines.items()}
    if not share:
        return Telling(seed, outlines=outlines)
    trained = (novel.text[slice(*novel.span(number))] for number in novel.of_split("train"))
    novel.cast = Cast.learnt_from("\n".join(trained))
    spans = {number: novel.span(number) for number in novel.splits}
    memory = Memory(
        novel.text, spans, novel.splits, headings, novel.cast, language, novel.summaries
    )
    return Telling(seed, memory, share, outlines)


def drawn(seed: int, row: str, what: str, share: float, split: str) -> bool:
    """Whether a row is among the share that is told something; every held-out row is, to be asked with and without."""
    return share > 0 and (split == "test" or random.Random(f"{seed} {row} {what}").random() < share)
