"""The embedded models, real ones: fetched, de-quantised, their tokenizers held against llama.cpp's own reading of the same file."""

from pathlib import Path

import httpx
import pytest
import torch
from gguf import GGUFReader
from transformers import AutoTokenizer
from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json
from xuxie.models.loading import load_model
from xuxie.models.tokenizer import check_tokenizer
from xuxie.prompts.prompting import Prompting
from xuxie.training.marker_gates import trained_marker_gate

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module", params=["qwen2.5-coder-0.5b", "gemma-3-270m"])
def model(request, embedded_folder) -> Path:
    return embedded_folder(request.param)


def test_every_file_is_what_its_card_says(model):
    card = read_json(model / "model.json")
    assert sha256_of(model / "model.gguf") == card["gguf"]["sha256"]
    assert (
        card["files"] == {name: sha256_of(model / "hf" / name) for name in card["files"]}
        and "model.safetensors" in card["files"]
    )
    assert card["licence"] and card["terms"]


@pytest.fixture(scope="module")
def llama_cpp(model):
    """The address of a llama.cpp server over the GGUF."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path, settings.n_ctx, settings.port, settings.cpuparams.n_threads = (
        str(model / "model.gguf"),
        512,
        0,
        2,
    )
    server = xllamacpp.Server(settings)
    yield server.listening_address
    del server


def test_the_tokenizer_reads_as_llama_cpp_reads_the_same_file(model, llama_cpp, novel_text):
    tokenizer = AutoTokenizer.from_pretrained(model / "hf")
    plain = [novel_text[:3000], "Chapter 12\n\n\n\tdon't  stop: 123,456.7", "𠮷野家 ㈠ é ∀ 🙂"]
    for text in [*plain, "<|im_start|>user\n好<|im_end|>", "<start_of_turn>user\n好<end_of_turn>"]:
        answer = httpx.post(
            f"{llama_cpp}/tokenize",
            json={"content": text, "add_special": True, "parse_special": True},
            timeout=60,
        )
        assert tokenizer.encode(text) == answer.json()["tokens"], text[:40]


def test_the_folder_is_the_model_that_the_gguf_runs(model, llama_cpp, novel_text):
    """The likeliest next token is the same, but for ties that the arithmetic of quantised weights decides."""
    loaded, tokenizer = load_model(model / "hf")
    same = 0
    for start in range(100, 1100, 100):
        ids = tokenizer.encode(novel_text[start : start + 80])
        with torch.no_grad():
            ours = loaded(torch.tensor([ids])).logits[0, -1].argmax().item()
        asked = {"prompt": ids, "n_predict": 1, "temperature": 0, "return_tokens": True}
        same += httpx.post(f"{llama_cpp}/completion", json=asked, timeout=60).json()["tokens"] == [
            ours
        ]
    assert same >= 8, f"{same} of 10"


def test_the_check_finds_a_tokenizer_that_is_not_the_files(model):
    """The very mistake that transformers makes of Gemma 3's file: another end of text, chat tokens as characters, no BOS."""
    reader = GGUFReader(model / "model.gguf")
    tokens, kinds = (
        reader.get_field(f"tokenizer.ggml.{name}").contents() for name in ("tokens", "token_type")
    )
    tokenizer = AutoTokenizer.from_pretrained(model / "hf")
    gemma = tokenizer.bos_token == "<bos>"
    check_tokenizer(tokenizer, tokens, kinds, add_bos=gemma)
    with pytest.raises(UserError, match="add_bos_token"):
        check_tokenizer(tokenizer, tokens, kinds, add_bos=not gemma)
    swapped = [*tokens[:1000], tokens[1001], tokens[1000], *tokens[1002:]]
    with pytest.raises(UserError, match="in 2 ways; the first: entry 1000 is"):
        check_tokenizer(tokenizer, swapped, kinds, add_bos=gemma)


def test_a_base_models_chat_tokens_are_seen_to_be_untrained(model):
    loaded, tokenizer = load_model(model / "hf")
    gate = trained_marker_gate(
        Prompting(tokenizer, read_json(model / "model.json")["template"]),
        loaded.get_input_embeddings().weight.detach(),
        "",
    )
    expected = (
        ["<end_of_turn>", "<start_of_turn>"] if "<end_of_turn>" in tokenizer.get_vocab() else []
    )
    assert [finding.where for finding in gate.findings] == expected
