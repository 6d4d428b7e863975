"""What a question is told of a story whose beginning the window has lost, as rows are told of the text before theirs."""

from collections.abc import Callable
from pathlib import Path

from xuxie.files.rows import read_json
from xuxie.prompts.told import State
from xuxie.text.cast import Cast

Remember = Callable[[str, str], str]
"""(what was told before, what is lost since) -> what is told."""


def remembering(cast: Cast, language: str) -> Remember:
    """Tells of the people and places of a text beside what was told before it."""

    def remember(state: str, lost: str) -> str:
        people, places = ([name for _, name in find(lost)] for find in (cast.people, cast.places))
        return State.read(state, language).followed_by(people, places).line(language)

    return remember


def remembering_by_novel(cast: str | Path | None, language: str) -> dict[str, Remember]:
    """The same for each novel of a dataset, by its name.

    Args:
        cast: cast.json of the dataset; None if its rows are told nothing.
    """
    if not cast:
        return {}
    return {novel: remembering(Cast(**names), language) for novel, names in read_json(cast).items()}
