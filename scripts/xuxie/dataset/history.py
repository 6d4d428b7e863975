"""Earlier turns: the text before a prompt, as a conversation in which the novel was continued so far."""

import random
from itertools import pairwise

from xuxie.prompts.question import question
from xuxie.text.sentences import bounds

Span = tuple[int, int]


def wanted_turns(draw: random.Random, *, share: float, turns: tuple[int, int]) -> int:
    """How many turns a row is to have: none, or a number between the bounds for this share of rows."""
    return draw.randint(*turns) if draw.random() < share else 0


def passages_before(
    text: str, earliest: int, start: int, *, turns: int, size: tuple[int, int]
) -> list[Span]:
    """Consecutive passages of whole sentences that end where a prompt starts, in reading order.

    Args:
        earliest: where the first passage may begin.
        turns: so many turns need one passage more, the first question.
        size: shortest and longest passage, in characters; each is as long as its sentences permit.

    Returns:
        As many passages as there is room for; none if there are not even two.
    """
    if not turns:
        return []
    window = max(earliest, start - (turns + 2) * size[1])
    edges = bounds(text, window, start)
    found: list[Span] = []
    while len(found) <= turns:
        end = found[-1][0] if found else start
        beginning = next((edge for edge in edges if end - size[1] <= edge <= end - size[0]), None)
        # The window may begin within a sentence.
        if beginning is None or beginning == window > earliest:
            break
        found.append((beginning, end))
    return found[::-1] if len(found) > 1 else []


def history(instruction: str, passages: list[str]) -> list[list[str]]:
    """Questions and answers: each passage is the answer to a question that holds the passage before it.

    A long continuation is asked for in the same form when it is sampled turn by turn.
    """
    return [[question(instruction, before), after] for before, after in pairwise(passages)]
