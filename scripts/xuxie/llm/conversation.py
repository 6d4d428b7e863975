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
        """The next attempt: with another seed, and with the failure told to the model; a cut answer gets twice the room."""
        sampling = {**self.sampling, "seed": self.sampling.get("seed", 0) + 1}
        messages = self.messages
        if fault.reason == "length":
            sampling["max_tokens"] = 2 * sampling["max_tokens"]
        elif answer:
            told = f"That answer cannot be used ({fault.detail}). Answer again, as asked at first."
            messages = [*messages, {"role": "assistant", "content": answer}, {"role": "user", "content": told}]
        return Request(messages, self.format, sampling, self.attempt + 1)

    @cached_property
    def body(self) -> dict:
        """The fields of the HTTP request's JSON."""
        return {"messages": self.messages, **({"response_format": self.format} if self.format else {}), **self.sampling}

    def key(self, identity: str) -> str:
        """Content address of the answer that a model of this identity gives: 128 bits in hex."""
        shaped = json.dumps({"model": identity, **self.body}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(shaped.encode("utf-8", "surrogatepass")).hexdigest()[:32]
