"""Which chunks of a novel are asked about, and in which shard."""

from xuxie.pairs.generation import text_random


def asked_chunks(chunks: list[dict], *, per_chapter: int | None, seed: int) -> list[dict]:
    """The chunks that are asked about: all, or so many of each chapter.

    Which ones are taken hangs on their text alone, so that an edit moves no other chunk in or out.
    """
    if per_chapter is None:
        return chunks
    by_chapter: dict[int, list[dict]] = {}
    for chunk in chunks:
        by_chapter.setdefault(chunk["chapter"], []).append(chunk)
    chosen = {
        chunk["id"]
        for group in by_chapter.values()
        for chunk in sorted(group, key=lambda chunk: text_random(chunk["text"], seed).random())[:per_chapter]
    }
    return [chunk for chunk in chunks if chunk["id"] in chosen]


def shard_of(chunks: list[dict], shard: str) -> list[dict]:
    """The chunks of one shard, dealt out in turn; `shard` is named `2-of-8`."""
    index, count = map(int, shard.split("-of-"))
    return chunks[index - 1 :: count]
