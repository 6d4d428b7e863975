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
        messages: the conversation.
        format: `response_format`, or None.
        sampling: every other field of the body.
        attempt: 0 for the first.
    """

    messages: list[dict]
    format: dict | None
    sampling: dict
    attempt: int = 0

    @classmethod
    def first(cls, messages: list[dict], schema, sampling: dict, mode: str) -> "Request":
        """The first attempt at a question, in one of the modes of structured answers."""
        return cls(described(messages, schema, mode), response_format(schema, mode), sampling)

    def after(self, fault: Unusable, answer: str | None) -> "Request":
        """The next attempt: the failure is told to the model, a seed changes, and an answer that was cut off gets twice the room."""
        sampling = {**self.sampling, **({"seed": self.sampling["seed"] + 1} if "seed" in self.sampling else {})}
        told = f"({fault.detail}: that could not be used. Answer again, as asked.)"
        last = self.messages[-1]
        if fault.reason == "length":
            sampling["max_tokens"] *= 2
            messages = self.messages
        elif answer:
            messages = [*self.messages, {"role": "assistant", "content": answer}, {"role": "user", "content": told}]
        else:
            messages = [*self.messages[:-1], {**last, "content": f"{last['content']}\n\n{told}"}]
        return Request(messages, self.format, sampling, self.attempt + 1)

    @cached_property
    def body(self) -> dict:
        """The fields of the HTTP request's JSON."""
        return {"messages": self.messages, **({"response_format": self.format} if self.format else {}), **self.sampling}

    def key(self, identity: str) -> str:
        """Content address of the answer that a model of this identity gives: 128 bits in hex."""
        return address({"model": identity, **self.body})


def address(document: dict) -> str:
    """Content address of a JSON document: the first 128 bits of the SHA-256 of its canonical form, in hex."""
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]
