"""The tokens of texts, by a tokenizer."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from xuxie.errors import UserError
from xuxie.text.chunks import Cost


def token_cost(model_config: str | Path) -> Cost:
    """A cost function that counts each passage's tokens, without special ones.

    Args:
        model_config: any file of the model's folder; its `tokenizer.json` lies beside it.

    Raises:
        UserError: the model has no such file, like those whose tokenizer is code of their own.
    """
    from tokenizers import Tokenizer

    file = Path(model_config).with_name("tokenizer.json")
    if not file.exists():
        raise UserError(
            "the model has no tokenizer.json, which tokens are counted with",
            where=str(file),
            remedy="count with another model that has one, or in characters",
        )
    encode_batch = Tokenizer.from_file(str(file)).encode_batch

    def tokens(text: str, bounds: list[int]) -> list[int]:
        passages = [text[start:end] for start, end in pairwise(bounds)]
        return [len(encoding.ids) for encoding in encode_batch(passages, add_special_tokens=False)]

    return tokens


def count_of(tokenizer: str | Path) -> Callable[[str], int]:
    """A function that counts a text's tokens, without special ones.

    Args:
        tokenizer: a `tokenizer.json`.

    Raises:
        UserError: there is none.
    """
    from tokenizers import Tokenizer

    if not Path(tokenizer).is_file():
        raise UserError(
            "there is no such tokenizer",
            where=f"config: endpoints, tokenizer: {tokenizer}",
            remedy="name a tokenizer.json, or leave it out: tokens are estimated by characters then",
        )
    encode = Tokenizer.from_file(str(tokenizer)).encode
    return lambda text: len(encode(text, add_special_tokens=False).ids)
