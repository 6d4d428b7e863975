"""How an LLM is shown a passage, and what it calls the pairs of a question."""

from itertools import pairwise

from xuxie.text.sentences import bounds


def messages(system: str, task: str) -> list[dict]:
    """A question: who is asked, and for what."""
    return [{"role": "system", "content": system}, {"role": "user", "content": task}]


def numbered(chunk: str) -> str:
    """The sentences, numbered, one per line."""
    edges = bounds(chunk, 0, len(chunk))
    return "\n".join(
        f"[{number}] {chunk[start:end].strip()}"
        for number, (start, end) in enumerate(pairwise(edges), 1)
    )


def slot(index: int) -> str:
    """The name of the n-th pair of a question (from 0)."""
    return f"pair_{index + 1}"
