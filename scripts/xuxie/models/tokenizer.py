"""A Hugging Face tokenizer from the vocabulary inside a GGUF.

Transformers builds one too, but a wrong one for Gemma 3 (a unigram model, no BOS, chat tokens split
into characters) and one with an end-of-text token other than the file's for Qwen. So it is built here from
the file's own entries, and then checked against them.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

from tokenizers import AddedToken
from transformers import GemmaTokenizer, Qwen2Tokenizer

from xuxie.errors import UserError


class Kind(IntEnum):
    """What an entry of the vocabulary is (the GGUF specification's token types)."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


def tokenizer_from_gguf(reader):
    """Build the tokenizer and check it against the file.

    Args:
        reader: a `gguf.GGUFReader`.

    Raises:
        UserError: the file's kind of tokenizer is not known here, or the tokenizer disagrees with the file.
    """
    family = _field(reader, "tokenizer.ggml.model"), _field(reader, "general.architecture")
    if family not in BUILDERS:
        raise UserError(
            f"the tokenizer of this GGUF ({family[0]}, of a {family[1]} model) cannot be rebuilt faithfully",
            remedy=f"known are {', '.join(f'{a} of {b}' for a, b in BUILDERS)}; take other models as Hugging Face folders",
        )
    tokens, kinds = (
        _field(reader, "tokenizer.ggml.tokens"),
        _field(reader, "tokenizer.ggml.token_type"),
    )
    named = {
        name: tokens[index]
        for name, key in (
            ("bos_token", "bos"),
            ("eos_token", "eos"),
            ("unk_token", "unknown"),
            ("pad_token", "padding"),
        )
        if (index := _field(reader, f"tokenizer.ggml.{key}_token_id")) is not None
    }
    used = {
        token: index
        for index, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind != Kind.UNUSED
    }
    tokenizer = BUILDERS[family](reader, used, named)
    added = [
        AddedToken(token, special=kinds[index] == Kind.CONTROL, normalized=False)
        for token, index in used.items()
        if kinds[index] in (Kind.CONTROL, Kind.USER_DEFINED)
    ]
    tokenizer.add_tokens([token for token in added if not token.special])
    tokenizer.add_tokens([token for token in added if token.special], special_tokens=True)
    tokenizer.chat_template = _field(reader, "tokenizer.chat_template")
    check_tokenizer(
        tokenizer, tokens, kinds, add_bos=bool(_field(reader, "tokenizer.ggml.add_bos_token"))
    )
    return tokenizer


def check_tokenizer(tokenizer, tokens: list[str], kinds: list[int], *, add_bos: bool) -> None:
    """Check that a tokenizer agrees with a GGUF's vocabulary.

    Checked: every entry in use has its index; chat and other added tokens are read as one token; ordinary
    text with line breaks, Chinese, rare characters and spaces comes back as it was; BOS stands first exactly
    if the file says so.

    Raises:
        UserError: names the first disagreement and how many there are.
    """
    wrong = [
        f"entry {index} is {token!r} in the file and {tokenizer.convert_ids_to_tokens(index)!r} in the tokenizer"
        for index, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind != Kind.UNUSED and tokenizer.convert_ids_to_tokens(index) != token
    ]
    for index, (token, kind) in enumerate(zip(tokens, kinds, strict=True)):
        if kind in (Kind.CONTROL, Kind.USER_DEFINED):
            ids = tokenizer.encode(token, add_special_tokens=False)
            if ids != [index]:
                wrong.append(f"{token!r} is read as {ids}, not as its one token {index}")
    for text in (
        "他说：“走吧！”\n\n　　第二天，雨停了……",
        "Chapter 12\r\n\tdon't  stop 123,456.7",
        "𠮷野家 ㈠ é ∀ 🙂",
        " ▁ ",
    ):
        back = tokenizer.decode(tokenizer.encode(text, add_special_tokens=False))
        # In a sentencepiece vocabulary the block character *is* the space.
        if back.replace("▁", " ") != text.replace("▁", " "):
            wrong.append(f"{text!r} comes back as {back!r}")
    first = tokenizer.encode("雨")[0]
    if (first == tokenizer.bos_token_id) != add_bos:
        wrong.append(
            f"the text starts with token {first}, though the file says add_bos_token = {add_bos}"
        )
    if wrong:
        raise UserError(
            f"the tokenizer disagrees with the vocabulary of its GGUF in {len(wrong)} ways; the first: {wrong[0]}",
            remedy="take this model as a Hugging Face folder (`source: hub`, `modelscope` or `path`)",
        )


def _qwen2(reader, vocabulary: dict[str, int], named: dict[str, str]):
    merges: Any = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    # Its texts begin with no token of their own.
    special: dict[str, Any] = {**named, "bos_token": None}
    return Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        **special,
    )


def _gemma(reader, vocabulary: dict[str, int], named: dict[str, str]):
    # Sentencepiece keeps no merges: it always joins the neighbours whose union has the best score.
    scores = _field(reader, "tokenizer.ggml.scores")
    merges = [
        (-scores[index], len(token[:cut]), token[:cut], token[cut:])
        for token, index in vocabulary.items()
        for cut in range(1, len(token))
        if token[:cut] in vocabulary and token[cut:] in vocabulary
    ]
    merges.sort()
    joined: Any = [merge[2:] for merge in merges]
    add_bos = bool(_field(reader, "tokenizer.ggml.add_bos_token"))
    return GemmaTokenizer(vocab=vocabulary, merges=joined, add_bos_token=add_bos, **named)


BUILDERS: dict[tuple[str, str], Callable] = {("gpt2", "qwen2"): _qwen2, ("llama", "gemma3"): _gemma}


def _field(reader, name: str):
    field = reader.get_field(name)
    return None if field is None else field.contents()
