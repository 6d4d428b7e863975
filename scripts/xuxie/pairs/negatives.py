"""Passages from elsewhere in a chapter, to put in the place of a pair's completion."""

from collections import defaultdict
from hashlib import blake2b

from xuxie.pairs.planning import text_random
from xuxie.text.sentences import bounds


class NegativeCompletions:
    """Passages of a novel's chunks for pairs of the same chapter: the same people and places, but not what comes next.

    A pair's passage comes from the chunk of its chapter whose hash together with the pair's is smallest. So it does not depend
    on how the pairs are dealt into shards, and an edited chunk changes it for few pairs.
    """

    def __init__(self, chunks: list[dict], seed: int):
        self._chunks: dict[int, list[tuple[bytes, dict]]] = defaultdict(list)
        for chunk in chunks:
            self._chunks[chunk["chapter"]].append((_digest(chunk["text"]), chunk))
        self._seed = seed

    def completion_for(self, pair: dict) -> str | None:
        """Whole sentences of the pair's chapter, about as long as its completion, none of them the pair's own.

        None if the chapter has no room for such a passage.
        """
        own = _digest(f"{self._seed}\n{pair['prompt']}\n{pair['completion']}")
        candidates = sorted(
            (_digest(own + digest), chunk["id"], chunk)
            for digest, chunk in self._chunks[pair["chapter"]]
        )
        for _, _, chunk in candidates:
            if passages := _passages(chunk, pair):
                return text_random(own.hex(), self._seed).choice(passages)
        return None


def _passages(chunk: dict, pair: dict) -> list[str]:
    """A chunk's passages that are about as long as the pair's completion, one from each sentence that leaves room for it."""
    text, length = chunk["text"], len(pair["completion"])
    taken_from, taken_to = (
        place - chunk["start"]
        for place in (
            min(pair["prompt_span"][0], pair["completion_span"][0]),
            max(pair["prompt_span"][1], pair["completion_span"][1]),
        )
    )
    edges = bounds(text, 0, len(text))
    found = []
    for start in edges:
        ends = [
            edge for edge in edges if edge > start and (edge <= taken_from or start >= taken_to)
        ]
        if ends:
            end = min(ends, key=lambda edge: abs(edge - start - length))
            if abs(end - start - length) <= length / 4:
                found.append(text[start:end])
    return found


def _digest(content: str | bytes) -> bytes:
    return blake2b(
        content.encode() if isinstance(content, str) else content, digest_size=16
    ).digest()
