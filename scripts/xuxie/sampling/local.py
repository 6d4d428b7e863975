"""Samples of a model that is loaded here."""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from xuxie.errors import UserError
from xuxie.llm.journal import Journal
from xuxie.models.window import window_of
from xuxie.overlap.prefixes import common_prefix
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.cache import answer_key, keep, recall
from xuxie.sampling.decoding import Continuation, Request, decode
from xuxie.sampling.memory import Remember
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.sampler import Sampler
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
    limit = window_of(model.config)
    remembering = remembering or {}
    stories = {
        row["id"]: Story(row, history_turns, remembering.get(row.get("novel", ""))) for row in rows
    }
    turns = _Turns(
        prompting,
        journal,
        identity=identity,
        parameters=parameters,
        seed=seed,
        system=system,
        max_new_tokens=max_new_tokens,
        target_chars=target_chars,
        limit=limit,
        window=min(window or limit, limit),
    )
    first = (turns.next_of(row_id, story) for row_id, story in stories.items())
    waiting = deque(request for request in first if request)
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
        row_id, turn, *_ = request.key
        turns.take(stories[row_id], request, continuation)
        logger.info(
            "%s: %s, turn %d: %d tokens, %s stop",
            name,
            row_id,
            turn + 1,
            len(continuation.ids),
            continuation.stop,
        )
        if following := turns.next_of(row_id, stories[row_id]):
            # First in the line: what this row has read is still there.
            waiting.appendleft(following)
    return {row_id: story.output() for row_id, story in stories.items()}


@dataclass
class _Turns:
    """What stories ask next, as far as the journal does not answer it; see `sample_local`.

    Attributes:
        limit: tokens that the model can read.
        window: tokens that a further turn's prompt may have with the room for its answer.
        keys: of the requests' answers in the journal.
        prompts: of each row's turns so far, as far as the last of them begins like those before.
    """

    prompting: Prompting
    journal: Journal
    _: KW_ONLY
    identity: str
    parameters: SamplingParameters
    seed: int
    system: str | None
    max_new_tokens: int
    target_chars: int
    limit: int
    window: int
    keys: dict[tuple, str] = field(default_factory=dict)
    prompts: dict[str, tuple[list[int], ...]] = field(default_factory=dict)

    def next_of(self, row_id: str, story: Story) -> Request | None:
        """Take a story's next turns from the journal as far as it has them; the first that is missing."""
        while story.continues(self.target_chars):
            request = self._request(row_id, story)
            key = answer_key(
                self.identity,
                request.ids,
                sorted(self.prompting.stop_ids),
                vars(self.parameters),
                self.seed,
                request.key,
                request.max_new_tokens,
            )
            answer = recall(self.journal, key)
            if answer is None:
                self.keys[request.key] = key
                return request
            _take(story, self.prompting, Continuation(**answer), len(request.ids))
        return None

    def take(self, story: Story, request: Request, continuation: Continuation) -> None:
        """Keep an answer, and go on with it."""
        keep(self.journal, self.keys[request.key], self.identity, vars(continuation))
        _take(story, self.prompting, continuation, len(request.ids))

    def _request(self, row_id: str, story: Story) -> Request:
        new_tokens = self.max_new_tokens
        if story.turns:
            new_tokens = story.room(self.target_chars, room_for_an_answer(new_tokens, self.window))
        most = self.limit - new_tokens
        room = self.window - new_tokens if story.turns else most
        ids = prompt_within(story, self.prompting, self.system, room, most)
        # The random numbers of a row follow from its prompt and turn alone, so that base and tuned draw the same ones.
        earlier = _beginning_alike(self.prompts.get(row_id, ()), ids)
        self.prompts[row_id] = (*earlier, ids)
        return Request((row_id, *story.turn), ids, new_tokens, earlier)


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


def room_for_an_answer(max_new_tokens: int, window: int) -> int:
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
