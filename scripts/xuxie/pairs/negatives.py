"""Passages from elsewhere in a novel, to put in the place of a pair's completion."""

from hashlib import blake2b

from xuxie.pairs.planning import text_random
from xuxie.text.sentences import bounds


class ForeignPassages:
    """What the chunks of a novel lend to pairs of other chapters.

    Of all chunks, that lends to a pair whose hash together with the pair's is smallest. So which one it is does not hang on how
    the pairs are dealt into shards, and an edit changes it for few pairs beside those that the edited chunks lend to.
    """

    def __init__(self, chunks: list[dict], seed: int):
        self._chunks = [
            (chunk["chapter"], _digest(chunk["text"]), chunk["text"]) for chunk in chunks
        ]
        self._seed = seed

    def passage_for(self, pair: dict) -> str | None:
        """Whole sentences of another chapter, about as long as the pair's completion; None if there is no other chapter."""
        own = _digest(f"{self._seed}\n{pair['prompt']}\n{pair['completion']}")
        others = [
            (_digest(own + digest), text)
            for chapter, digest, text in self._chunks
            if chapter != pair["chapter"]
        ]
        if not others:
            return None
        _, text = min(others)
        length = len(pair["completion"])
        edges = bounds(text, 0, len(text))
        start = text_random(own.hex(), self._seed).choice(
            [edge for edge in edges if edge + length <= len(text)] or edges[:1]
        )
        end = min(
            (edge for edge in edges if edge > start), key=lambda edge: abs(edge - start - length)
        )
        return text[start:end]


def _digest(content: str | bytes) -> bytes:
    return blake2b(
        content.encode() if isinstance(content, str) else content, digest_size=16
    ).digest()
