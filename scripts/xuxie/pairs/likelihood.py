"""The likelihood scorer: how much does this prompt, rather than another of the same novel, call for this completion?

For a pair: mean over K other prompts of NLL(completion | other) − NLL(completion | own prompt), in bits
per character. A small model that gives every pair full marks when asked for a judgement still tells
true pairs from swapped ones by this measure. The other prompts serve twice: with one of them in the
place of the own prompt, the same table gives the value of a *swapped* pair, the scorer's calibration.
"""

import math
import random

from xuxie.nll import completion_nll, nll_under_contexts


def score_by_likelihood(model, tokenizer, pairs: list[dict], *, contexts: int, context_tokens: int, seed: int) -> list[dict]:
    """Score pairs that belong together (one novel, or a shard of it).

    Args:
        contexts: K, how many other prompts a completion is tried under.
        context_tokens: prompts are read from their end, at most so many tokens.

    Returns:
        A row a pair: `value` (bits per character) and `swapped`, the values of the same completion
        under prompts it does not belong to. A pair for which there is no foreign prompt has value None.
    """

    def ids(text: str, limit: int | None = None) -> list[int]:
        found = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found[-limit:] if limit else found

    chosen = _foreign_prompts(pairs, contexts, seed)
    completions = [ids(pair["completion"]) for pair in pairs]
    own = completion_nll(model, [(ids(pair["prompt"], context_tokens), tokens) for pair, tokens in zip(pairs, completions, strict=True)])
    table = nll_under_contexts(model, [ids(pairs[index]["prompt"], context_tokens) for index in chosen], completions).tolist()
    return [_value(pair, own[row], table[row], [pairs[index] for index in chosen]) for row, pair in enumerate(pairs)]


def _foreign_prompts(pairs: list[dict], contexts: int, seed: int) -> list[int]:
    """K pairs to lend their prompts, from as many chapters as there are."""
    by_chapter: dict[int, list[int]] = {}
    for index, pair in enumerate(pairs):
        by_chapter.setdefault(pair["chapter"], []).append(index)
    source = random.Random(seed)
    for group in by_chapter.values():
        source.shuffle(group)
    chapters = list(by_chapter)
    source.shuffle(chapters)
    # One more than K, since a pair cannot borrow from its own chapter.
    wanted = min(contexts + 1, len(pairs))
    chosen: list[int] = []
    while len(chosen) < wanted:
        chosen += [by_chapter[chapter].pop() for chapter in chapters if by_chapter[chapter]][: wanted - len(chosen)]
    return chosen


def _value(pair: dict, own: float, under: list[float], lenders: list[dict]) -> dict:
    foreign = [nll for nll, lender in zip(under, lenders, strict=True) if lender["chapter"] != pair["chapter"]]
    # A novel of one chapter: another chunk is foreign enough.
    foreign = foreign or [nll for nll, lender in zip(under, lenders, strict=True) if lender["chunk"] != pair["chunk"]]
    if not foreign:
        return {"id": pair["id"], "value": None, "swapped": []}
    scale = 1 / (math.log(2) * len(pair["completion"]))
    total = sum(foreign)
    swapped = [((total - nll) / (len(foreign) - 1) - nll) * scale for nll in foreign] if len(foreign) > 1 else []
    return {"id": pair["id"], "value": (total / len(foreign) - own) * scale, "swapped": swapped}
