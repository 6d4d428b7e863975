"""What is asked, and what comes of it."""

from dataclasses import dataclass, field
from typing import Any

import pydantic

from xuxie.llm.structured import Check
from xuxie.llm.usage import Usage


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        id: whatever the caller calls it; appears in messages, shapes no answer.
        messages: the conversation, as chat completions take it.
        schema: what the answer must be; None takes any text (see `Completion`).
        check: called with an answer that fits the schema; raises ValueError("<name of the failure>: <detail>") if it cannot
            be used.
        in_parts: the fields of an answer do not depend on each other. `check` is called with answers that have one of them
            each, what can be used is kept, and only the rest is asked for again.
        sampling: `temperature`, `top_p`, `seed`, `max_tokens` and their like.
    """

    id: str
    messages: list[dict]
    schema: type[pydantic.BaseModel] | None = None
    check: Check | None = None
    in_parts: bool = False
    sampling: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Completion:
    """The answer to a question without a schema.

    Attributes:
        text: without a model's thoughts.
        finish: why it ended, in the provider's word: `stop`, `length`, ...
        input, output: its tokens.
        seconds: how long the call took, when it was made; 0 of one by batch.
    """

    text: str
    finish: str | None
    input: int
    output: int
    seconds: float


@dataclass(frozen=True)
class Answered:
    """A question's answer.

    Attributes:
        value: on the question's schema, or a `Completion`.
        usage: what its attempts took, whenever they were made.
        from_journal: none of them was made for this question in this run.
        missing: fields that no attempt answered usably, and what was wrong; they are None in the value.
    """

    id: str
    value: Any
    usage: Usage
    from_journal: bool
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """A question that no attempt answered usably.

    Attributes:
        reason: the last attempt's failure by name (see `Unusable` and `Rejected`).
        detail: in words.
        raw: the last answer's text, if there was one.
        usage: what its attempts took, whenever they were made.
        from_journal: none of them was made for this question in this run.
    """

    id: str
    reason: str
    detail: str
    raw: str | None
    usage: Usage
    from_journal: bool
