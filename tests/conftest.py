"""What the tests share: a tiny model, a loopback endpoint, a novel, and a workspace in which the road has been walked once."""

import shutil
from pathlib import Path

import pytest
from fault_server import FaultServer
from roles import KEY, answer
from tiny_model import make_tiny_model
from workspace import REPOSITORY, Workspace


@pytest.fixture(scope="session")
def novel_text() -> str:
    """The first chapters of the sample novel."""
    text = (REPOSITORY / "resources/novels/ban-jin-du.txt").read_text(encoding="utf-8")
    return text[: text.index("第九章")]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, novel_text) -> Path:
    """A random Qwen2 of under a million parameters, in a Hugging Face folder."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", novel_text)


@pytest.fixture(scope="session")
def endpoint():
    """An OpenAI-compatible endpoint on loopback that answers both roles."""
    with FaultServer(answer=answer, key=KEY, model="reader") as server:
        yield server


@pytest.fixture(scope="session")
def small_config(endpoint, tiny_model) -> dict:
    """A configuration of the whole road at the size of a test."""
    return {
        "novels": {"small": {"path": "small.txt"}},
        "pairs": {
            "generator": "loopback",
            "scorers": ["judge"],
            "threshold": 5,
            "chunks_per_chapter": 2,
        },
        "endpoints": {
            "loopback": {
                "base_url": endpoint.base_url,
                "model": "reader",
                "api_key_env": "LOOPBACK_API_KEY",
            }
        },
        "scorers": {
            "judge": {"method": "judge", "endpoint": "loopback", "calibration": 0.5},
            "likelihood": {"method": "likelihood", "model": "tiny"},
        },
        "models": {"tiny": {"source": "path", "name": str(tiny_model), "template": "qwen"}},
        "datasets": {"small": {"novels": ["small"]}},
        "adapters": {
            "small": {
                "dataset": "small",
                "model": "tiny",
                "train": {"num_train_epochs": 1, "learning_rate": 0.001},
            }
        },
        "sampling": {"prompts": 2, "max_new_tokens": 24},
        "evaluation": {"rows": 4},
    }


@pytest.fixture
def new_workspace(tmp_path, small_config, novel_text) -> Workspace:
    """A fresh folder with the small configuration and its novel."""
    return _workspace(tmp_path / "work", small_config, novel_text)


@pytest.fixture(scope="session")
def walked(tmp_path_factory, small_config, novel_text) -> Workspace:
    """A folder in which `snakemake` has made everything once; tests only look at it."""
    workspace = _workspace(tmp_path_factory.mktemp("walked"), small_config, novel_text)
    workspace.snakemake()
    return workspace


@pytest.fixture
def walked_copy(walked, tmp_path_factory) -> Workspace:
    """A folder of one's own in which everything is made already, as far from the workflow as the first one."""
    return Workspace(
        Path(
            shutil.copytree(
                walked.folder, tmp_path_factory.mktemp("copy"), dirs_exist_ok=True, symlinks=True
            )
        )
    )


def _workspace(folder: Path, config: dict, novel: str) -> Workspace:
    workspace = Workspace(folder)
    workspace.configure(config)
    (folder / "small.txt").write_text(novel, encoding="utf-8")
    return workspace


@pytest.fixture(scope="session", autouse=True)
def key_in_the_environment():
    """The endpoint's key is where a user would put it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPBACK_API_KEY", KEY)
        yield
