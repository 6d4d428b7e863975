"""What is sent for a question: a first request, and after an unusable answer another one that says what was wrong."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from xuxie.llm.structured import Unusable, described, response_format


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
    def first(
        cls, model: str, messages: list[dict], schema, sampling: dict, mode: str
    ) -> "Request":
        """The first attempt at a question, in one of the modes of structured answers."""
        return cls(
            model, described(messages, schema, mode), response_format(schema, mode), sampling
        )

    def after(self, fault: Unusable, answer: str | None) -> "Request":
        """The next attempt: the failure is told to the model, a seed changes, and an answer that was cut off gets twice the room."""
        sampling = {
            **self.sampling,
            **({"seed": self.sampling["seed"] + 1} if "seed" in self.sampling else {}),
        }
        told = f"({fault.detail}: that could not be used. Answer again, as asked.)"
        last = self.messages[-1]
        if fault.reason == "length":
            sampling["max_tokens"] *= 2
            messages = self.messages
        elif answer:
            messages = [
                *self.messages,
                {"role": "assistant", "content": answer},
                {"role": "user", "content": told},
            ]
        else:
            messages = [*self.messages[:-1], {**last, "content": f"{last['content']}\n\n{told}"}]
        return Request(self.model, messages, self.format, sampling, self.attempt + 1)

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
