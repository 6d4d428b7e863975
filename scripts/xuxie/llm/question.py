"""What is asked, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pydantic

from xuxie.llm.usage import Usage


@dataclass(frozen=True)
class Question:
    """One thing to ask.

    Attributes:
        id: whatever the caller calls it; appears in messages, shapes no answer.
        messages: the conversation, as chat completions take it.
        schema: what the answer must be.
        check: called with the value; raises ValueError("<name of the failure>: <detail>") if it cannot be used.
        sampling: `temperature`, `top_p`, `seed`, `max_tokens` and their like.
    """

    id: str
    messages: list[dict]
    schema: type[pydantic.BaseModel]
    check: Callable[[pydantic.BaseModel], None] | None = None
    sampling: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """A question's answer.

    Attributes:
        usage: what its attempts took, whenever they were made.
        from_journal: none of them was made for this question in this run.
    """

    id: str
    value: pydantic.BaseModel
    usage: Usage
    from_journal: bool


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
