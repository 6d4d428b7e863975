"""Who writes what is compared: the novel's author, the base model and the tuned one; rivals have names of their own."""

HUMAN, BASE, TUNED = "human", "base", "tuned"


def text_of(sample: dict, system: str) -> str | None:
    """What a system, or the author, wrote after a prompt; None if it was not asked.

    Args:
        sample: a row of samples.jsonl.
    """
    if system == HUMAN:
        return sample["reference"]
    output = sample["outputs"].get(system)
    return output and output["text"]
