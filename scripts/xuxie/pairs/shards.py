"""How a novel's chunks are dealt out to jobs."""


def shard_of(chunks: list[dict], shard: str) -> list[dict]:
    """The chunks of one shard, dealt out in turn; `shard` is named `2-of-8`."""
    index, count = map(int, shard.split("-of-"))
    return chunks[index - 1 :: count]
