"""Who writes what is compared: the novel's author, the base model and the tuned one; rivals have names of their own."""

from collections.abc import Iterable

HUMAN, BASE, TUNED = "human", "base", "tuned"

_AT = "@"


def varied(system: str, variant: str) -> str:
    """The name under which a system writes by another way of drawing, one of `sampling.variants`."""
    return f"{system}{_AT}{variant}" if variant else system


def parted(name: str) -> tuple[str, str]:
    """(system, variant) of such a name; the variant is empty where it draws as configured."""
    system, _, variant = name.partition(_AT)
    return system, variant


def as_configured(names: Iterable[str]) -> list[str]:
    """Those of the names that are no variants."""
    return [name for name in names if not parted(name)[1]]


def text_of(sample: dict, system: str) -> str | None:
    """What a system, or the author, wrote after a prompt; None if it was not asked.

    Args:
        sample: a row of samples.jsonl.
    """
    if system == HUMAN:
        return sample["reference"]
    output = sample["outputs"].get(system)
    return output and output["text"]
