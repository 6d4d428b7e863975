"""`snakemake export` on the small road: everything is there, loads elsewhere, says the same, and is summed."""

import re
import shutil
import subprocess
import sys

import httpx
import pytest
import torch
import yaml
from fault_server import FaultServer
from workspace import Workspace
from xuxie.errors import UserError
from xuxie.export.llama_cpp import CONVERTERS, convert, unpacked
from xuxie.export.parity import Server, Source, compare
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json, read_rows
from xuxie.llm.embedded import embedded_server
from xuxie.llm.server import free_port
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import Prompting

EXPORT = "results/exports/small"
RIGHTS = "The novel was written for this test; do with it what you like."


@pytest.fixture(scope="module")
def exporting(tmp_path_factory, walked, small_config, llama_cpp_archive):
    """A function that copies the walked road, with other export settings."""

    def copy(**settings) -> Workspace:
        workspace = walked.copy(tmp_path_factory.mktemp("exporting"))
        workspace.configure({**small_config, "export": {"pre_tokenizer": "gpt-2", **settings}})
        (workspace / "results/tools").mkdir()
        shutil.copy(llama_cpp_archive, workspace / "results/tools/llama.cpp.tar.gz")
        return workspace

    return copy


@pytest.fixture(scope="module")
def exported(exporting) -> Workspace:
    workspace = exporting(rights=RIGHTS, verified_prompts=2)
    workspace.snakemake("export")
    return workspace


def test_the_sums_are_those_of_every_file(exported):
    folder = exported / EXPORT
    summed = dict(
        reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert set(summed) == there - {"SHA256SUMS"}
    assert {
        "README.md",
        "Modelfile",
        "hf/model.safetensors",
        "adapter/adapter_model.safetensors",
        "model.f16.gguf",
        "model.q8_0.gguf",
        "adapter.gguf",
    } < there
    assert all(sha256_of(folder / name) == sha256 for name, sha256 in summed.items())
    assert (
        subprocess.run(
            ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=False
        ).returncode
        == 0
    )


def test_merged_folder_and_adapter_load_in_plain_transformers_and_peft(exported, tiny_model):
    """In a process that knows nothing of this project."""
    code = (
        "import sys, torch; from transformers import AutoModelForCausalLM as M, AutoTokenizer as T; from peft import PeftModel\n"
        "folder, base = sys.argv[1:]\n"
        "tokenizer = T.from_pretrained(folder + '/hf')\n"
        "ids = tokenizer.apply_chat_template([{'role': 'user', 'content': '灯塔'}], add_generation_prompt=True, return_tensors='pt', return_dict=True)['input_ids']\n"
        "merged = M.from_pretrained(folder + '/hf', dtype=torch.float32)\n"
        "tuned = PeftModel.from_pretrained(M.from_pretrained(base, dtype=torch.float32), folder + '/adapter')\n"
        "plain = M.from_pretrained(base, dtype=torch.float32)\n"
        "logits = [model(ids).logits for model in (merged, tuned, plain)]\n"
        "print(float((logits[0] - logits[1]).abs().max()), float((logits[0] - logits[2]).abs().max()), merged.generation_config.eos_token_id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(exported / EXPORT), str(tiny_model)],
        capture_output=True,
        text=True,
        check=True,
    )
    to_tuned, to_base, stops = done.stdout.split(maxsplit=2)
    assert float(to_tuned) < 1e-3 < 10 * float(to_tuned) + 1e-3 < float(to_base)
    assert stops.strip() == str([2])  # <|im_end|>


def test_each_gguf_was_held_against_the_folder(exported):
    for quantisation in ("f16", "q8_0"):
        found = read_json(exported / EXPORT / f"parity/{quantisation}.json")
        assert found["prompts"] == 2 and found["positions"] >= 2
        assert found["agreement"] >= (0.99 if quantisation == "f16" else 0.8)


def test_the_adapter_alone_on_the_base_models_gguf_is_the_tuned_model(
    exported, tiny_model, llama_cpp_archive, tmp_path
):
    base = tmp_path / "base.gguf"
    convert(
        llama_cpp_archive,
        "convert_hf_to_gguf.py",
        tiny_model,
        "--outfile",
        base,
        "--outtype",
        "f32",
        pre_tokenizer="gpt-2",
    )
    model, tokenizer = load_model(exported / EXPORT / "hf", dtype="float32")
    ids = Prompting(tokenizer, "qwen").prompt_ids(
        next(read_rows(exported / "results/datasets/small/test.jsonl"))
    )
    with torch.inference_mode():
        merged = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)

    def distance(adapter) -> float:
        """How far the server's log-probabilities are from the merged model's, at most, over its ten likeliest tokens."""
        with embedded_server(base, threads=1, slots=1, context=1024, adapter=adapter) as started:
            started.start()
            answer = Server(started.address, started.key).ask(
                "/completion", prompt=ids, n_predict=1, temperature=0, n_probs=10
            )
        return max(
            abs(found["logprob"] - merged[found["id"]].item())
            for found in answer["completion_probabilities"][0]["top_logprobs"]
        )

    tuned, plain = distance(exported / EXPORT / "adapter.gguf"), distance(None)
    assert tuned < 0.02 < plain


def test_no_proxy_stands_between_the_comparison_and_its_server(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")  # nobody is there
    with FaultServer() as server, pytest.raises(httpx.HTTPStatusError, match="404"):
        Server(server.base_url, "key").tokens("text")


def test_the_modelfile_asks_as_the_rows_were_trained(exported, small_config):
    text = (exported / EXPORT / "Modelfile").read_text(encoding="utf-8")
    assert "FROM ./model.q8_0.gguf\n" in text
    assert 'SYSTEM """你是一个严谨的故事续写专家，为用户的输入进行续写"""' in text
    assert (
        "<|im_start|>user\n续写以下小说片段：\n{{ .Content }}<|im_end|>\n<|im_start|>assistant\n"
        in text
    )
    assert 'PARAMETER stop "<|im_end|>"\n' in text
    assert "PARAMETER num_predict 24\n" in text and "PARAMETER repeat_penalty 1.1\n" in text


def test_the_card_tells_counts_figures_and_rights_but_no_text(exported):
    card = (exported / EXPORT / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert (
        front["language"] == ["zh"] and "license" not in front
    )  # a folder on this machine tells none
    rows = {
        split: list(read_rows(exported / f"results/datasets/small/{split}.jsonl"))
        for split in ("train", "val", "test")
    }
    text = (exported / "results/novels/small/text.txt").read_text(encoding="utf-8")
    assert (
        f"| small | {len(text)} | {len(rows['train'])} | {len(rows['val'])} | {len(rows['test'])} |"
        in card
    )
    assert RIGHTS in card and "许可未记录" in card
    bits = read_json(exported / "results/adapters/small/evaluation.json")["bits_per_character"]
    assert f"| {bits['base']['value']:.3f} | {bits['tuned']['value']:.3f} |" in card
    for found in [*rows["train"], *rows["test"]]:
        assert found["output"][:20] not in card and found["input"][:20] not in card
    assert "model.f16.gguf" in card and not re.search(r"/(tmp|home|root)/", card)


def test_no_path_of_this_machine_goes_along(exported):
    files = list((exported / EXPORT).rglob("*.json"))
    assert len(files) >= 5
    for file in files:
        assert not re.search(r'"/(tmp|home|root|work)', file.read_text(encoding="utf-8")), file


def test_export_is_no_part_of_all_and_a_second_export_does_nothing(exported, walked):
    assert "Nothing to be done" in exported.snakemake("export").stdout
    assert not (walked / "results/exports").exists()


def test_a_failed_gate_stops_the_export_before_any_work(exporting):
    workspace = exporting()
    file = workspace / "results/adapters/small/gates.json"
    file.write_text(file.read_text().replace('"passed": true', '"passed": false', 1))
    done = workspace.snakemake("export", check=False)
    assert done.returncode and "did not pass its training gates" in done.stdout
    assert not (workspace / EXPORT / "hf").exists()


def test_an_unknown_quantisation_is_refused_before_the_dag(exporting):
    done = exporting(quantisations=["q4_k_xl"]).plan("export", check=False)
    assert done.returncode and "q4_k_xl" in done.stdout and "q4_k_m" in done.stdout


def test_an_unknown_adapter_is_refused_before_the_dag(exporting):
    done = exporting(adapters=["smal"]).plan("export", check=False)
    assert done.returncode and "did you mean 'small'" in done.stdout


def test_a_missing_base_is_told_before_any_work(exporting):
    workspace = exporting()
    weights = workspace / "results/models/tiny/hf/model.safetensors"
    weights.unlink()
    done = workspace.snakemake("export", check=False)
    assert done.returncode and "the base model is missing: model.safetensors" in done.stdout
    assert not (workspace / EXPORT / "hf").exists()


def test_a_tokenizer_that_llama_cpp_does_not_recognise_is_told_with_the_way_out(exporting):
    workspace = exporting(pre_tokenizer=None)
    done = workspace.snakemake("export", check=False)
    assert (
        done.returncode
        and "does not recognise how the base model's tokenizer splits text" in done.stdout
        and "export.pre_tokenizer" in done.stdout
    )
    assert not (workspace / EXPORT / "hf").exists()


def test_a_pre_tokenizer_that_splits_otherwise_is_noticed(
    exported, tiny_model, llama_cpp_archive, tmp_path
):
    gguf = tmp_path / "wrong.gguf"
    convert(
        llama_cpp_archive,
        "convert_hf_to_gguf.py",
        exported / EXPORT / "hf",
        "--outfile",
        gguf,
        "--outtype",
        "f16",
        pre_tokenizer="deepseek-llm",
    )
    model, tokenizer = load_model(exported / EXPORT / "hf", dtype="float32")
    prompting = Prompting(tokenizer, "qwen")
    rows = list(read_rows(exported / "results/datasets/small/test.jsonl"))
    with pytest.raises(UserError, match="other tokens than were trained"):
        compare(
            gguf,
            Source(
                model,
                tokenizer,
                rows,
                [prompting.prompt_ids(row) for row in rows],
                prompting.stop_ids,
                None,
            ),
            count=4,
            threads=1,
        )


def test_small_quantisations_are_made_by_a_quantiser_that_is_built_once(exporting):
    planned = exporting(quantisations=["q4_k_m", "q6_k"], verified_prompts=0).plan("export").stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", planned, re.MULTILINE))
    assert counts["build_quantiser"] == "1" and counts["quantise_gguf"] == "2"
    assert (
        counts["convert_gguf"] == "1" and "verify_gguf" not in counts
    )  # the f16 that they are made from


def test_the_converters_come_out_of_the_archive_and_go_again(llama_cpp_archive):
    with unpacked(llama_cpp_archive, CONVERTERS) as folder:
        assert (folder / "convert_hf_to_gguf.py").exists() and not (folder / "src").exists()
    assert not folder.exists()
