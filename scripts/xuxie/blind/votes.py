"""Votes of readers: how their files, which nobody has checked, are read, and what they come to."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xuxie.errors import UserError
from xuxie.evaluation.intervals import interval_of_share
from xuxie.evaluation.win_rates import winner
from xuxie.files.novel_text import chapter_of
from xuxie.sampling.authors import HUMAN, TUNED

logger = logging.getLogger(__name__)


class Answer(BaseModel):
    """One reader on one item. Options count from 0 as shown; None is "equal", or "I can't tell" for the author."""

    model_config = ConfigDict(extra="ignore")

    item: str = Field(max_length=64)
    best: int | None = Field(ge=0, le=2)
    author: int | None = Field(ge=0, le=2)


class Votes(BaseModel):
    """A file that the page saved."""

    model_config = ConfigDict(extra="ignore")

    page: str = Field(max_length=64)
    reader: str = Field(max_length=64)
    saved: str = Field(max_length=40)
    answers: list[Answer] = Field(max_length=100_000)


def read_votes(paths: Iterable[str | Path]) -> list[Votes]:
    """The files of readers' votes; of several by one reader on one page, only the last one saved.

    Raises:
        UserError: a file is not what the page saves; names it.
    """
    latest: dict[tuple[str, str], Votes] = {}
    for path in paths:
        try:
            votes = Votes.model_validate_json(Path(path).read_bytes())
        except ValidationError as error:
            fault = error.errors()[0]
            raise UserError(
                f"no votes can be read: {fault['msg']} at {'.'.join(map(str, fault['loc'])) or 'the top'}",
                where=str(path),
                remedy="put the file there as the page saved it, or take it out of the folder",
            ) from error
        held = latest.get((votes.page, votes.reader))
        if held is None or held.saved <= votes.saved:
            latest[votes.page, votes.reader] = votes
    return list(latest.values())


Preferences = dict[tuple[str, str, frozenset[str]], str]
"""The system that a qualified judge prefers, by adapter, sample and the two systems that it compared."""


def count_votes(all_votes: Sequence[Votes], key: dict, preferences: Preferences) -> dict:
    """Win rates, recognition of the author, and agreement.

    Args:
        key: what `page_key` gave.
        preferences: those of the judge of samples, of adapters for which it has passed its own trial.

    Returns:
        readers, answers, and `elsewhere`: files whose page is another one, which are not counted; by adapter
        `pairings` (systems, wins, losses, ties, win_rate of the first with its interval over chapters, and how
        often the judge says the same), `recognised` (share of guesses at the author that are right, and `chance`);
        `agreement`: Krippendorff's alpha of the readers' choices, null if no item was read twice.
    """
    counted = [votes for votes in all_votes if votes.page == key["page"]]
    for votes in all_votes:
        if votes.page != key["page"]:
            logger.warning("votes of %s are for page %s, not counted", votes.reader, votes.page)
    entries = []
    for votes in counted:
        for answer in {answer.item: answer for answer in votes.answers}.values():
            entry = key["items"].get(answer.item)
            if entry and max(answer.best or 0, answer.author or 0) < len(entry["systems"]):
                entries.append((answer, entry))
    adapters = dict.fromkeys(entry["adapter"] for entry in key["items"].values())
    return {
        "readers": len(counted),
        "answers": len(entries),
        "elsewhere": len(all_votes) - len(counted),
        "adapters": {
            adapter: _of_adapter(
                [pair for pair in entries if pair[1]["adapter"] == adapter], preferences
            )
            for adapter in adapters
        },
        "agreement": krippendorff_alpha(_choices(entries)),
    }


def krippendorff_alpha(units: Iterable[Sequence]) -> float | None:
    """Agreement beyond chance of nominal choices (Krippendorff, Content Analysis, 2004): 1 is perfect, 0 is chance.

    Args:
        units: for each item, the choices of those who read it; items with fewer than two say nothing.

    Returns:
        alpha, or None where nothing can be said: no item was read twice, or only one choice was ever made.
    """
    counts = [Counter(choices) for choices in units if len(choices) > 1]
    totals: Counter = sum(counts, Counter())
    count = totals.total()
    expected = count * count - sum(number * number for number in totals.values())
    if not expected:
        return None
    observed = sum(
        (unit.total() ** 2 - sum(number * number for number in unit.values())) / (unit.total() - 1)
        for unit in counts
    )
    return 1 - (count - 1) * observed / expected


def _of_adapter(entries: list[tuple[Answer, dict]], preferences: Preferences) -> dict:
    systems = dict.fromkeys(name for _, entry in entries for name in entry["systems"])
    ordered = sorted(systems, key=lambda name: (name == HUMAN, name != TUNED, name))
    guesses = [
        (entry["systems"][answer.author] == HUMAN, entry)
        for answer, entry in entries
        if answer.author is not None and HUMAN in entry["systems"]
    ]
    return {
        "pairings": [_pairing(pair, entries, preferences) for pair in combinations(ordered, 2)],
        "recognised": {
            **interval_of_share(
                [float(right) for right, _ in guesses],
                [1] * len(guesses),
                [chapter_of(entry) for _, entry in guesses],
            ),
            "guesses": len(guesses),
            "chance": sum(1 / len(entry["systems"]) for _, entry in guesses) / len(guesses)
            if guesses
            else None,
        },
    }


def _pairing(
    pair: tuple[str, str], entries: list[tuple[Answer, dict]], preferences: Preferences
) -> dict:
    """One system against another, on the items that show both; who chose a third text said nothing about these two."""
    points, chapters, same = [], [], []
    for answer, entry in entries:
        chosen = None if answer.best is None else entry["systems"][answer.best]
        if not set(pair) <= set(entry["systems"]) or chosen not in (*pair, None):
            continue
        points.append({pair[0]: 1.0, pair[1]: 0.0, None: 0.5}[chosen])
        chapters.append(chapter_of(entry))
        preferred = preferences.get((entry["adapter"], entry["sample"], frozenset(pair)))
        if preferred is not None and chosen is not None:
            same.append(preferred == chosen)
    return {
        "systems": list(pair),
        "wins": points.count(1.0),
        "losses": points.count(0.0),
        "ties": points.count(0.5),
        "win_rate": interval_of_share(points, [1] * len(points), chapters),
        "judge_agrees": sum(same) / len(same) if same else None,
        "judged": len(same),
    }


def _choices(entries: list[tuple[Answer, dict]]) -> list[list]:
    by_item: dict[str, list] = {}
    for answer, entry in entries:
        by_item.setdefault(answer.item, []).append(
            None if answer.best is None else entry["systems"][answer.best]
        )
    return list(by_item.values())


def preferences_of(adapter: str, judged: Iterable[dict]) -> Preferences:
    """The judge's decided comparisons of whole texts: both orders named the same system.

    Args:
        judged: the rows of the adapter's judged.jsonl.
    """
    return {
        (adapter, row["id"], frozenset(row["systems"])): won
        for row in judged
        if row.get("quarter") is None and row["preferred"] and (won := winner(row["preferred"]))
    }
