"""How both roles see a chunk: first, and character for character the same, so that a provider's prefix cache serves the second role."""

from itertools import pairwise

from xuxie.text.sentences import bounds


def messages(system: str, chunk: str, task: str) -> list[dict]:
    """A question about a chunk: who is asked, the chunk, and only then what is wanted."""
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": f"{numbered(chunk)}\n\n{task}"},
    ]


def numbered(chunk: str) -> str:
    """One numbered sentence a line."""
    edges = bounds(chunk, 0, len(chunk))
    return "\n".join(
        f"[{number}] {chunk[start:end].strip()}"
        for number, (start, end) in enumerate(pairwise(edges), 1)
    )


def slot(index: int) -> str:
    """What both roles call the n-th pair of a question (from 0)."""
    return f"pair_{index + 1}"
