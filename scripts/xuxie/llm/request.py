"""What is sent for a question: a first request, and after an unusable answer another one that says what was wrong."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import pydantic

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.question import Question
from xuxie.llm.structured import Unusable, described, form_in_words, part_of, response_format

_MORE_ROOM = 4  # times the tokens of an answer that was cut off


@dataclass(frozen=True)
class Request:
    """The body of one call, but for the model's name.

    Everything in it shaped the answer, and nothing else did: its hash is the answer's key in the journal. A later
    attempt follows from the answers before it, so that a rerun walks through the journal along the same keys.

    Attributes:
        model: the identity of the model that is asked (see `Endpoint`).
        messages: the conversation.
        format: `response_format`, or None.
        sampling: every other field of the body.
        attempt: 0 for the first.
    """

    model: str
    messages: list[dict]
    format: dict | None
    sampling: dict
    attempt: int = 0

    @classmethod
    def first(cls, endpoint: Endpoint, question: Question, mode: str) -> "Request":
        """The first attempt at a question, in one of the modes of structured answers (without a schema, in none)."""
        settings, messages, schema = endpoint.settings, question.messages, question.schema
        sampling = {
            "max_tokens": settings.max_tokens,
            **settings.extra_body,
            **question.sampling,
        }
        if schema is None:
            return cls(endpoint.identity, messages, None, sampling)
        told, format = described(messages, schema, mode), response_format(schema, mode)
        return cls(endpoint.identity, told, format, sampling)

    def with_more_room(self, most: int) -> "Request | None":
        """The same request for an answer that was cut off: with more room, up to `most` tokens; None if it had that."""
        room = self.sampling["max_tokens"]
        if room >= most:
            return None
        sampling = {**self._reseeded(), "max_tokens": min(most, _MORE_ROOM * room)}
        return Request(self.model, self.messages, self.format, sampling, self.attempt + 1)

    def after(
        self,
        fault: Unusable,
        answer: str | None,
        schema: type[pydantic.BaseModel],
        missing: tuple[str, ...],
        mode: str,
    ) -> "Request":
        """The next attempt: the model is told what was wrong, and asked for the fields of the schema that are missing."""
        wanted = part_of(schema, missing)
        told = f"({fault.detail}: that could not be used. Answer again, as asked.)"
        if wanted is not schema:
            told += f"\n{form_in_words(wanted)}"
        last = self.messages[-1]
        if answer:
            messages = [
                *self.messages,
                {"role": "assistant", "content": answer},
                {"role": "user", "content": told},
            ]
        else:
            messages = [*self.messages[:-1], {**last, "content": f"{last['content']}\n\n{told}"}]
        return Request(
            self.model,
            messages,
            response_format(wanted, mode),
            self._reseeded(),
            self.attempt + 1,
        )

    def _reseeded(self) -> dict:
        seed = {"seed": self.sampling["seed"] + 1} if "seed" in self.sampling else {}
        return {**self.sampling, **seed}

    @cached_property
    def body(self) -> dict:
        """The fields of the HTTP request's JSON."""
        return {
            "messages": self.messages,
            **({"response_format": self.format} if self.format else {}),
            **self.sampling,
        }

    @cached_property
    def key(self) -> str:
        """Content address of the answer."""
        return address(self._canonical)

    @property
    def size(self) -> int:
        """About how many bytes of UTF-8 the model reads."""
        return len(self._canonical)

    @cached_property
    def _canonical(self) -> bytes:
        return canonical({"model": self.model, **self.body})


def canonical(document: dict) -> bytes:
    """The one form of a JSON document that has no choices left."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def address(document: bytes) -> str:
    """Content address of a canonical document: the first 128 bits of its SHA-256, in hex."""
    return hashlib.sha256(document).hexdigest()[:32]
