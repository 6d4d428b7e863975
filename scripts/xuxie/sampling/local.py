"""Samples of a model that is loaded here."""

import hashlib
import json
import logging
from collections import deque
from collections.abc import Sequence

from xuxie.llm.journal import Journal
from xuxie.prompting import Prompting
from xuxie.sampling.decoding import Continuation, Request, decode
from xuxie.sampling.drawing import Drawing
from xuxie.sampling.turns import Story

logger = logging.getLogger(__name__)


def sample_local(
    model,
    prompting: Prompting,
    rows: Sequence[dict],
    *,
    identity: str,
    journal: Journal,
    drawing: Drawing,
    seed: int,
    system: str | None,
    max_new_tokens: int,
    target_chars: int = 0,
    window: int | None = None,
    batch_size: int = 8,
) -> dict[str, dict]:
    """Let a model continue each row's prompt.

    Args:
        identity: of the weights; answers in the journal count for the same identity only.
        journal: answers of an earlier run that was cut off; new ones are added as they come.
        system: a system prompt in place of the rows' own.
        target_chars: go on in further turns until the story has so many characters; 0 asks once.
        window: how many tokens a prompt may have with the room for its answer; None takes the model's limit.

    Returns:
        By row id: text, stop ("natural" or "length"), tokens, prompt_tokens (of all turns), seconds,
        turns (end of each turn in the text), forgotten (characters of the story that the window had
        lost in the last turn) and foreign_stop (where in the text an end token stood that the
        template does not stop on, or null).
    """
    window = window or getattr(model.config, "max_position_embeddings", None) or 1 << 30
    stories = {row["id"]: Story(row, prompting, system=system, room=window - max_new_tokens) for row in rows}
    waiting: deque[Request] = deque()
    keys: dict[tuple, str] = {}

    def ask(name: str) -> None:
        """Take the next turns from the journal as far as it has them; put the first that is missing on the list."""
        story = stories[name]
        while story.continues(target_chars):
            ids = story.prompt_ids()
            # A row's chance hangs on its prompt and turn alone, so that base and tuned draw the same numbers.
            request = Request((name, len(story.turns)), ids, max_new_tokens)
            key = _key(identity, ids, sorted(prompting.stop_ids), drawing, seed, request)
            if (entry := journal.get(key)) is None:
                keys[request.key] = key
                waiting.append(request)
                return
            story.add(Continuation(**entry["continuation"]), len(ids))

    for name in stories:
        ask(name)
    if known := len(rows) - len(waiting):
        logger.info("%s: %d of %d samples are in the journal", identity, known, len(rows))
    for request, continuation in decode(model, waiting, drawing=drawing, seed=seed, stop_ids=prompting.stop_ids, batch_size=batch_size):
        journal.append([{"key": keys[request.key], "usage": [0, 0, 0], "cost": 0, "continuation": vars(continuation)}])
        name, turn = request.key
        stories[name].add(continuation, len(request.ids))
        logger.info("%s: %s, turn %d: %d tokens, %s stop", identity, name, turn + 1, len(continuation.ids), continuation.stop)
        ask(name)
    return {name: story.output() for name, story in stories.items()}


def _key(identity: str, ids: list[int], stop_ids: list[int], drawing: Drawing, seed: int, request: Request) -> str:
    shaped_by = [identity, ids, stop_ids, vars(drawing), seed, request.key, request.max_new_tokens]
    return hashlib.sha256(json.dumps(shaped_by).encode()).hexdigest()[:32]
