"""Samples of a model that is loaded here."""

import logging
from collections import deque
from collections.abc import Sequence

from xuxie.errors import UserError
from xuxie.llm.journal import Journal
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.cache import answer_key, keep, recall
from xuxie.sampling.decoding import Continuation, Request, decode
from xuxie.sampling.memory import Remember
from xuxie.sampling.parameters import Sampler, SamplingParameters
from xuxie.sampling.prefixes import common_prefix
from xuxie.sampling.turns import Story

logger = logging.getLogger(__name__)


def sample_local(
    model,
    prompting: Prompting,
    rows: Sequence[dict],
    *,
    name: str,
    identity: str,
    journal: Journal,
    parameters: SamplingParameters,
    seed: int,
    system: str | None,
    max_new_tokens: int,
    target_chars: int = 0,
    history_turns: int | None = None,
    window: int | None = None,
    remembering: dict[str, Remember] | None = None,
    batch_size: int = 8,
) -> dict[str, dict]:
    """Let a model continue each row's prompt.

    Args:
        name: of the system, for the log.
        identity: of the weights; answers in the journal count for the same identity only.
        journal: answers of an earlier run that was cut off; new ones are added as they come.
        system: a system prompt in place of the rows' own.
        target_chars: go on in further turns until the story has so many characters; 0 asks once.
        history_turns: the most earlier turns that a question may have; see `Story`.
        remembering: by novel how its questions are told of what the window has lost; see `Story`.
        window: how many tokens a further turn's prompt may have with the room for its answer; None takes the model's limit.

    Returns:
        By row id, see `Story.output`.

    Raises:
        UserError: a prompt does not fit into the window.
    """
    limit = getattr(model.config, "max_position_embeddings", None) or 1 << 30
    window = min(window or limit, limit)
    remembering = remembering or {}
    stories = {
        row["id"]: Story(row, history_turns, remembering.get(row.get("novel", ""))) for row in rows
    }
    waiting: deque[Request] = deque()
    keys: dict[tuple, str] = {}
    prompts: dict[str, tuple[list[int], ...]] = {}

    def ask(row_id: str) -> None:
        """Take the next turns from the journal as far as it has them; put the first that is missing on the list."""
        story = stories[row_id]
        while story.continues(target_chars):
            new_tokens = (
                _room_for_an_answer(max_new_tokens, window) if story.turns else max_new_tokens
            )
            most = limit - new_tokens
            room = window - new_tokens if story.turns else most
            ids = prompt_within(story, prompting, system, room, most)
            # The random numbers of a row follow from its prompt and turn alone, so that base and tuned draw the same ones.
            earlier = _beginning_alike(prompts.get(row_id, ()), ids)
            request = Request((row_id, *story.turn), ids, new_tokens, earlier)
            prompts[row_id] = (*earlier, ids)
            key = answer_key(
                identity,
                ids,
                sorted(prompting.stop_ids),
                vars(parameters),
                seed,
                request.key,
                new_tokens,
            )
            if (answer := recall(journal, key)) is None:
                keys[request.key] = key
                # First in the line: what this row has read is still there.
                waiting.appendleft(request)
                return
            _take(story, prompting, Continuation(**answer), len(ids))

    for row_id in reversed(stories):
        ask(row_id)
    if known := len(rows) - len(waiting):
        logger.info("%s: %d of %d samples are in the journal", name, known, len(rows))
    for request, continuation in decode(
        model,
        waiting,
        sampler=Sampler(parameters, prompting.tokenizer, prompting.stop_ids),
        seed=seed,
        stop_ids=prompting.stop_ids,
        batch_size=batch_size,
    ):
        keep(journal, keys[request.key], identity, vars(continuation))
        row_id, turn, *_ = request.key
        _take(stories[row_id], prompting, continuation, len(request.ids))
        logger.info(
            "%s: %s, turn %d: %d tokens, %s stop",
            name,
            row_id,
            turn + 1,
            len(continuation.ids),
            continuation.stop,
        )
        ask(row_id)
    return {row_id: story.output() for row_id, story in stories.items()}


def prompt_within(
    story: Story, prompting: Prompting, system: str | None, room: int, most: int | None = None
) -> list[int]:
    """What the next turn is asked with; a bare model reads the whole story so far as one text.

    Args:
        room: tokens that the prompt is to keep within.
        most: tokens that it may have where not even the last sentence keeps within `room`; `room` if None.

    Raises:
        UserError: it has more. A bare model's is cut.
    """
    bare = prompting.template_name == BARE
    for row in story.asks(as_one_text=bare):
        ids = prompting.prompt_ids(row) if bare else prompting.prompt_ids(row, system=system)
        if len(ids) <= room:
            return ids
    most = room if most is None else most
    if bare:
        return ids[-most:]
    if len(ids) <= most:
        return ids
    raise UserError(
        f"the prompt of row {story.row['id']} takes {len(ids)} tokens, but the model's window leaves room for {most}",
        where="sampling.max_new_tokens, and the length of prompts",
        remedy="ask for fewer new tokens, or take a model with a longer window",
    )


def _room_for_an_answer(max_new_tokens: int, window: int) -> int:
    """The longest answer of a further turn: half of a window that would otherwise hold next to none of the story."""
    return max_new_tokens if window - max_new_tokens >= window // 4 else window // 2


def _beginning_alike(prompts: tuple[list[int], ...], ids: list[int]) -> tuple[list[int], ...]:
    """The earlier turns' prompts, if the next one begins as the last of them does; none where the window has moved on."""
    return prompts if prompts and 2 * common_prefix(prompts[-1], ids) >= len(prompts[-1]) else ()


def _take(
    story: Story, prompting: Prompting, continuation: Continuation, prompt_tokens: int
) -> None:
    tokenizer = prompting.tokenizer

    def text(ids: list[int]) -> str:
        # A cut in the middle of a character's bytes leaves a replacement character, which the model did not write.
        return tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        ).rstrip("\ufffd")

    special = next(
        (
            place
            for place, token in enumerate(continuation.ids)
            if token in tokenizer.all_special_ids
        ),
        None,
    )
    story.add(
        text(continuation.ids),
        stop=continuation.stop,
        tokens=len(continuation.ids),
        prompt_tokens=prompt_tokens,
        seconds=continuation.seconds,
        foreign_stop=None if special is None else len(text(continuation.ids[:special])),
    )
