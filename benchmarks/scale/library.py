"""A folder in which many novels are made: their files, a tiny model, a configuration, and the endpoint that answers both roles."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "scripts"), str(REPOSITORY / "tests"), str(Path(__file__).parent)]

from fault_server import FaultServer  # noqa: E402
from novels import SAMPLE, Library, write_library  # noqa: E402
from roles import KEY, answer  # noqa: E402
from tiny_model import make_tiny_model  # noqa: E402
from workspace import Workspace  # noqa: E402

__all__ = ["KEY", "configuration", "endpoint", "furnish"]


def endpoint(latency: float = 0.0) -> FaultServer:
    """The endpoint, to be entered.

    Each answer has a number, `call-0` and so on; `questions` says by that number what was asked: a hash of all that was sent, since
    the same words under another system prompt or schema, or after another wrong answer, are another question.
    """
    server = FaultServer(answer=answer, key=KEY, model="reader", latency=latency)
    server.questions = []

    def remembered(body: dict) -> str:
        whole = json.dumps(body, sort_keys=True).encode()
        server.questions.append(hashlib.sha256(whole).hexdigest())
        return answer(body)

    server.answer = remembered
    server.edit = lambda completion, _: {**completion, "id": f"call-{len(server.questions) - 1}"}
    return server


def configuration(library: Library, base_url: str, model: Path, adapters: int) -> dict:
    """The whole road for a library: a dataset for each shelf, a dataset for each broken novel, adapters for the first shelves."""
    novels = [*library.books, *library.broken]
    shelves = library.shelves | {name: [name] for name in library.broken}
    return {
        "novels": {name: {"path": f"novels/{name}.txt"} for name in novels},
        "pairs": {
            "generator": "loopback",
            "scorers": ["judge"],
            "threshold": 5,
            "chunks_per_chapter": 1,
        },
        "endpoints": {
            "loopback": {
                "base_url": base_url,
                "model": "reader",
                "api_key_env": "LOOPBACK_API_KEY",
            }
        },
        "scorers": {"judge": {"method": "judge", "endpoint": "loopback", "calibration": 0.5}},
        "models": {"tiny": {"source": "path", "name": str(model), "template": "qwen"}},
        "datasets": {name: {"novels": books} for name, books in shelves.items()},
        "adapters": {
            name: {
                "dataset": name,
                "model": "tiny",
                "tokens": 4000,
                "train": {"num_train_epochs": 1, "learning_rate": 0.001},
            }
            for name in list(library.shelves)[:adapters]
        },
        "sampling": {"prompts": 2, "max_new_tokens": 24},
        "evaluation": {"ladder_rows": 2},
    }


def furnish(
    folder: Path, base_url: str, *, novels: int, broken: int = 0, adapters: int = 0
) -> tuple[Workspace, Library]:
    """Write a folder in which the workflow can be run on so many novels."""
    shutil.rmtree(folder, ignore_errors=True)
    library = write_library(folder / "novels", novels, broken)
    model = make_tiny_model(folder / "tiny", SAMPLE.read_text(encoding="utf-8"))
    workspace = Workspace(folder)
    workspace.configure(configuration(library, base_url, model, adapters))
    return workspace, library
