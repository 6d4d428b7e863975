"""A chapter's raw text in blocks for LLaMA-Factory's stage `pt`, without losing a word.

LLaMA-Factory's own packing joins chapters and drops what is left over at the end; without packing it cuts each text
at `cutoff_len` and has every piece end as a document ends. So the blocks are made here and handed over as tokens.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xuxie.errors import UserError
from xuxie.text.sentences import sentences

SHARE_OF_CONTEXT = 8
"""At most this share of a block repeats text of the block before."""


@dataclass(frozen=True)
class Block:
    """What one row of the stage holds.

    Attributes:
        start, end: its characters, offsets into the chapter's text.
        new: where the characters begin that stand in no block before it.
        ids: its tokens.
    """

    start: int
    end: int
    new: int
    ids: list[int]


def opening_ids(tokenizer) -> list[int]:
    """What the tokenizer puts before every text: its begin-of-text token, or nothing."""
    return [token for token in tokenizer.encode("") if token == tokenizer.bos_token_id]


def blocks(text: str, tokenizer, size: int) -> list[Block]:
    """Cut one chapter's text into as few blocks as hold it, about equal in size, that end where sentences end.

    A small rest would be a block of its own and, where a step takes one block, weigh as much as a full one.
    Each block but the first begins with the sentence before its new ones: the loss of a token is that of predicting it
    from what stands before, so that the first token of a block has none, and here only a repeated one is ever first.
    The chapter begins with the tokenizer's begin-of-text token or, where it has none, with the end-of-text token that
    parts documents; the chapter's last block alone ends with that token. A sentence longer than a block is cut.

    Args:
        text: of one chapter, or of a stretch of it.
        tokenizer: the model's.
        size: of the longest block, in tokens.

    Raises:
        UserError: a block is too small for its context and one character more.
    """
    filled = list(_filled(text, tokenizer, size))
    # As many blocks hold the text if each has its share, the repeated context, and room for a sentence to end.
    whole = sum(len(block.ids) for block in filled)
    longest = max(
        (len(tokenizer.encode(text[start:end])) for start, end in sentences(text)), default=0
    )
    equal = math.ceil(whole / max(1, len(filled))) + longest
    if equal >= size:
        return filled
    made = list(_filled(text, tokenizer, equal))
    return made if len(made) == len(filled) else filled


def _filled(text: str, tokenizer, size: int) -> Iterator[Block]:
    """The same, each block as full as it can be."""
    bos, eos = opening_ids(tokenizer), [tokenizer.eos_token_id]

    def ids_of(start: int, end: int) -> list[int]:
        opening = bos or eos * (start == 0)
        inner = tokenizer.encode(text[start:end], add_special_tokens=False)
        return opening + inner + eos * (end == len(text))

    spans = sentences(text)
    new = 0
    while new < len(text):
        start = _context(text, tokenizer, spans, new, size // SHARE_OF_CONTEXT)
        ends = [end for _, end in spans if end > new]

        def fits(end: int, start: int = start) -> bool:
            return len(ids_of(start, end)) <= size

        # Where not even one sentence fits, it is cut.
        end = _last(ends, fits) or _last(range(new + 1, ends[0]), fits)
        if end is None:
            raise UserError(
                f"a block of {size} tokens does not hold one character after its context",
                where="adapters.*.train.cutoff_len",
                remedy="make it longer: hundreds of tokens at least",
            )
        yield Block(start, end, new, ids_of(start, end))
        new = end


def _context(text: str, tokenizer, spans: list[tuple[int, int]], new: int, room: int) -> int:
    """Where a block begins: with the sentence before its new text, or as much of its end as may be repeated."""
    if new == 0:
        return 0
    sentence = max(start for start, _ in spans if start < new)
    start = _last(
        range(new - 1, sentence - 1, -1),
        lambda start: len(tokenizer.encode(text[start:new], add_special_tokens=False)) <= room,
    )
    return new - 1 if start is None else start


def _last(candidates: Sequence[int], fits: Callable[[int], bool]) -> int | None:
    """The last candidate that fits, if all before one that fits do too; None if none does."""
    low, high = 0, len(candidates)
    while low < high:
        middle = (low + high) // 2
        if fits(candidates[middle]):
            low = middle + 1
        else:
            high = middle
    return candidates[low - 1] if low else None
