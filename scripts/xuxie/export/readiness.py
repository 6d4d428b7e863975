"""Whether an adapter can be exported: everything that would stop it halfway, looked at before any work."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from xuxie.errors import UserError
from xuxie.export.llama_cpp import convert, known_architectures, known_pre_tokenizers
from xuxie.export.quantisations import QUANTISED, bytes_of
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json
from xuxie.runtime.environments import SHARED

GIB = 1 << 30


def check_environment(environment: str) -> None:
    """Check that the base model runs in the environment of the exporting tools.

    Raises:
        UserError: it needs one of its own.
    """
    if environment not in SHARED:
        raise UserError(
            f"a model of the environment {environment} cannot be exported: merging and conversion run in {SHARED[0]}, without its code",
            where="models.*.environment",
            remedy="leave its adapters out of `export.adapters`; the adapter's folder is complete and loads with peft on the base model",
        )


def check_gates_passed(gates: dict, adapter: str) -> None:
    """Check that the adapter's gates passed.

    Raises:
        UserError: a gate failed, and it was trained nevertheless.
    """
    failed = [gate["name"] for gate in gates["gates"] if gate["findings"]]
    if not gates["passed"]:
        raise UserError(
            f"the adapter {adapter} did not pass its training gates: {'; '.join(failed)}",
            where=f"results/adapters/{adapter}/gates.json",
            remedy="mend what the gates found and train again, or leave it out of `export.adapters`: what it would write at home is "
            "what they warn of",
        )


def check_base(folder: Path, record: dict) -> None:
    """Check that the base model is there, byte for byte as its record says.

    Args:
        folder: the model's Hugging Face folder.
        record: its model.json.

    Raises:
        UserError: a file is missing, or differs.
    """
    for name, sha256 in record["files"].items():
        file = folder / name
        if not file.exists():
            raise UserError(
                f"the base model is missing: {name} is not there"
                + (f" (a link to {file.readlink()})" if file.is_symlink() else ""),
                where=str(file),
                remedy=f"put it back, or delete {folder.parent} and run again: the workflow takes the model anew from its source",
            )
        if sha256_of(file) != sha256:
            raise UserError(
                f"the base model is not the one that was trained on: {name} has changed",
                where=str(file),
                remedy=f"put the old file back, or delete {folder.parent} and run again",
            )


def check_convertible(folder: Path, archive: str | Path, pre_tokenizer: str | None) -> None:
    """Check that llama.cpp's converter knows the base model's architecture and tokenizer, by letting it convert the vocabulary alone.

    Args:
        folder: the base model's Hugging Face folder.
        archive: llama.cpp's sources.
        pre_tokenizer: `export.pre_tokenizer` of the config.

    Raises:
        UserError: it does not.
    """
    otherwise = "set `export.quantisations: []` and `export.lora_gguf: false`: the merged folder and the adapter are exported all the same"
    known = known_architectures(archive)
    for name in read_json(folder / "config.json")["architectures"]:
        if name not in known:
            raise UserError(
                f"llama.cpp cannot convert a {name} to GGUF", where=str(folder), remedy=otherwise
            )
    if pre_tokenizer is not None and pre_tokenizer not in (names := known_pre_tokenizers(archive)):
        raise UserError(
            f"llama.cpp knows no {pre_tokenizer!r}",
            where="export.pre_tokenizer",
            remedy=f"one of {', '.join(sorted(names))}",
        )
    with tempfile.TemporaryDirectory() as scratch:
        try:
            convert(
                archive, "convert_hf_to_gguf.py", folder, "--vocab-only", "--outfile", Path(scratch, "vocabulary.gguf"),
                pre_tokenizer=pre_tokenizer,
            )  # fmt: skip
        except UserError as error:
            if "pre-tokenizer was not recognized" in error.what:
                raise UserError(
                    "llama.cpp's converter does not recognise how the base model's tokenizer splits text",
                    where=str(folder / "tokenizer.json"),
                    remedy="say it in `export.pre_tokenizer`: that of the model whose tokenizer was extended, for example qwen2, or gpt-2 "
                    f"for a plain byte-level one. The GGUF is held against the folder, so a wrong one is noticed. Or {otherwise}",
                ) from error
            raise


def check_lora_convertible(arguments: dict, where: str) -> None:
    """Check that the adapter holds nothing but LoRA matrices of layers, as a LoRA GGUF can hold nothing else.

    Raises:
        UserError: its arguments add more to it.
    """
    more = [
        name for name in ("additional_target", "use_dora", "resize_vocab") if arguments.get(name)
    ]
    if more:
        raise UserError(
            f"a LoRA GGUF cannot hold what {', '.join(more)} adds to the adapter",
            where=where,
            remedy="set `export.lora_gguf: false`: the merged model has it all",
        )


def check_tools(quantisations: Iterable[str]) -> None:
    """Check that this machine can build the tool that small quantisations are made with.

    Raises:
        UserError: cmake or a C++ compiler is missing.
    """
    small = [name for name in quantisations if name in QUANTISED]
    missing = [
        tool
        for tool, found in (
            ("cmake", shutil.which("cmake")),
            (
                "a C++ compiler",
                shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"),
            ),
        )
        if not found
    ]
    if small and missing:
        raise UserError(
            f"{', '.join(small)} needs llama-quantize, which is built from source, and {' and '.join(missing)} is missing",
            where="export.quantisations",
            remedy="install it (Debian: apt install cmake g++), or ask for f16, bf16 or q8_0, which need neither",
        )


def disk_needed(weights: int, width: int, quantisations: Iterable[str]) -> int:
    """Bytes that an export takes at most.

    Args:
        weights: bytes of the base model's weights, the merged model's too.
        width: bytes of one weight.
    """
    wanted = set(quantisations)
    if wanted & set(QUANTISED):
        wanted.add("f16")  # they are made from it
    return int(weights * 1.02 + sum(bytes_of(name, weights / width) for name in wanted) + 0.1 * GIB)


def check_disk(needed: int, folder: Path) -> None:
    """Check that the disk has room for the export.

    Args:
        needed: in bytes.

    Raises:
        UserError: it has less.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"the export takes about {needed / GIB:.1f} GiB, and {free / GIB:.1f} GiB are free",
            where=str(folder.resolve()),
            remedy="free some, or ask for fewer `export.quantisations`",
        )


def weight_bytes(folder: Path) -> tuple[int, int]:
    """(bytes of all weights, bytes of one weight) of a model folder."""
    config = read_json(folder / "config.json")
    width = 4 if (config.get("dtype") or config.get("torch_dtype")) == "float32" else 2
    weights = list(folder.glob("*.safetensors")) or list(folder.glob("*.bin"))
    return sum(file.stat().st_size for file in weights), width
