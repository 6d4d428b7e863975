"""The whole way home with a real model: merged, converted, and served by llama.cpp, which writes what transformers writes."""

from pathlib import Path

import peft
import pytest
import torch
from convert_gguf import convert_gguf
from merge_adapter import merge_adapter
from verify_gguf import verify_gguf
from xuxie.files.rows import read_json, write_rows
from xuxie.models.loading import load_model
from xuxie.sampling.parameters import SamplingParameters

pytestmark = pytest.mark.embedded

NAME, TEMPLATE = "qwen2.5-coder-0.5b", "qwen"
SYSTEM, INSTRUCTION = "你是一个严谨的故事续写专家，为用户的输入进行续写", "续写以下小说片段："
SAMPLING = {
    **vars(SamplingParameters()),
    "max_new_tokens": 300,
}


@pytest.fixture(scope="module")
def model(embedded_folder) -> Path:
    return embedded_folder(NAME)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory, model) -> Path:
    """An adapter of small random matrices: it changes every layer, as a trained one does."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(0)
    loaded, _ = load_model(model / "hf", dtype="bfloat16")
    settings = peft.LoraConfig(
        r=8,
        lora_alpha=1,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    peft.get_peft_model(loaded, settings).save_pretrained(folder)
    (folder / "train.yaml").write_text(f"template: {TEMPLATE}\n")
    return folder


def test_llama_cpp_writes_what_the_merged_folder_writes(
    model, adapter, llama_cpp_archive, novel_text, tmp_path
):
    rows = [
        {
            "id": f"r{start}", "instruction": INSTRUCTION, "input": novel_text[start : start + 120], "system": SYSTEM, "history": [],
            "output": novel_text[start + 120 : start + 300],
        }
        for start in (200, 1200, 2200, 3200)
    ]  # fmt: skip
    write_rows(tmp_path / "test.jsonl", rows)
    (tmp_path / "hf").mkdir()
    (tmp_path / "adapter").mkdir()
    merged, gguf, parity = (
        str(tmp_path / name) for name in ("hf/config.json", "model.f16.gguf", "f16.json")
    )
    test, asked = (
        str(tmp_path / "test.jsonl"),
        {"template": TEMPLATE, "trust_remote_code": False, "system": None},
    )
    merge_adapter(
        str(adapter / "adapter_model.safetensors"), str(adapter / "adapter_config.json"), [str(model / "hf/config.json"), str(model / "model.json")],
        test, merged, str(tmp_path / "adapter/adapter_model.safetensors"), sampling=SAMPLING, **asked,
    )  # fmt: skip
    convert_gguf(merged, str(llama_cpp_archive), gguf, "f16", None)
    verify_gguf(
        gguf,
        merged,
        str(adapter / "train.yaml"),
        test,
        parity,
        2,
        quantisation="f16",
        prompts=4,
        **asked,
    )
    found = read_json(parity)
    assert found["positions"] >= 100 and found["agreement"] >= 0.99
