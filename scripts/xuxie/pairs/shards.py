"""How a novel's chunks are dealt out to jobs."""


def shard_names(count: int) -> list[str]:
    """The names of that many shards; at least one, as an empty novel has one too."""
    count = max(1, count)
    return [f"{index + 1}-of-{count}" for index in range(count)]


def shard_of(chunks: list[dict], shard: str) -> list[dict]:
    """The chunks of one shard, dealt out in turn; `shard` is named `2-of-8`."""
    index, count = map(int, shard.split("-of-"))
    return chunks[index - 1 :: count]
