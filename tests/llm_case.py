"""What the tests of xuxie.llm share: a schema to ask for, questions, and a short way to ask them."""

import contextlib
from pathlib import Path

import pydantic
from fault_server import FaultServer
from xuxie.llm import Answered, Failed, Question, ask_all, open_endpoint


class Echo(pydantic.BaseModel):
    """What the fault server answers by default."""

    text: str
    length: int


def questions(count: int, **more) -> list[Question]:
    """`count` questions with different words."""
    return [
        Question(f"q{i}", [{"role": "user", "content": f"question {i}"}], Echo, **more)
        for i in range(count)
    ]


def settings(server: FaultServer, **more) -> dict:
    """An endpoint of the configuration that is the fault server."""
    return {
        "base_url": server.base_url,
        "model": "echo",
        "structured": "schema",
        "timeout": 5,
        "max_tokens": 100,
        "backoff": 0.02,
        **more,
    }


def ask(
    server: FaultServer, asked: list[Question], journal: Path, *, budget=None, offline=False, **more
) -> list[Answered | Failed]:
    """All outcomes."""
    with open_endpoint(settings(server, **more), offline=offline) as endpoint:
        return list(ask_all(endpoint, asked, journal=journal, budget=budget))


def values(outcomes: list[Answered | Failed]) -> list[str]:
    """The texts that came back, in order."""
    return [outcome.value.text for outcome in outcomes]


def written_under(*folders: Path) -> bytes:
    """Everything that files under these folders hold."""
    found = b""
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(IsADirectoryError):
                found += path.read_bytes()
    return found
