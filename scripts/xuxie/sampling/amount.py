"""How much sampling writes, foreseen from the configuration alone."""


def most_tokens(sampling: dict, *, systems: int, prompts: int) -> int:
    """The most tokens that so many systems write after so many prompts: each in every variant, and every draft of it.

    Args:
        sampling: this section of the config.
    """
    longest = max(sampling["max_new_tokens"], sampling["target_chars"])
    ways = 1 + len(sampling["variants"])
    return prompts * systems * ways * sampling["drafts"] * longest
