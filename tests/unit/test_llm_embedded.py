from pathlib import Path

import psutil
import pydantic
import pytest
from xuxie.errors import UserError
from xuxie.llm import Answered, Question, ask_all, open_endpoint
from xuxie.llm.embedded import threads_that_run

MODEL = "qwen2.5-coder-0.5b"
GGUF = Path(__file__).parents[2] / "results" / "models" / MODEL / "model.gguf"


class Person(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=10)
    age: int = pydantic.Field(ge=20, le=30)


@pytest.mark.parametrize(
    ("busy", "most", "expected"), [(0, 2, 2), (0, 1, 1), (50, 4, 2), (100, 4, 1), (5, 16, 4)]
)
def test_threads_are_as_many_as_find_an_idle_core(monkeypatch, busy, most, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(psutil, "cpu_percent", lambda **_: [busy] * 8)
    assert threads_that_run(most) == expected


def test_a_file_that_is_no_model_is_named(tmp_path):
    wrong = tmp_path / "model.gguf"
    wrong.write_bytes(b"this is no model" * 100)
    with (
        pytest.raises(UserError, match="does not load(.|\n)*model.gguf"),
        open_endpoint({"embedded": "m"}, wrong),
    ):
        pass


def test_weights_that_are_not_there_are_named(tmp_path):
    with (
        pytest.raises(UserError, match="weights of the embedded model m are missing"),
        open_endpoint({"embedded": "m"}, tmp_path / "no.gguf"),
    ):
        pass


@pytest.mark.embedded
@pytest.mark.skipif(
    not GGUF.exists(),
    reason=f"no weights: `snakemake results/models/{MODEL}/model.gguf` makes them",
)
def test_the_embedded_model_answers_on_its_schema_and_from_the_journal(tmp_path):
    questions = [
        Question(
            f"q{n}",
            [{"role": "user", "content": f"给第{n}个人物起名"}],
            Person,
            sampling={"temperature": 0.7, "seed": n, "max_tokens": 60},
        )
        for n in range(3)
    ]
    settings = {"embedded": MODEL, "concurrency": 2, "context": 1024}
    with open_endpoint(settings, GGUF, threads=2) as endpoint:
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        first = list(ask_all(endpoint, questions, journal=tmp_path / "journal"))
    assert all(isinstance(outcome, Answered) and 20 <= outcome.value.age <= 30 for outcome in first)
    # another run has another port, and needs no server for what is known
    with open_endpoint(settings, GGUF, offline=True) as endpoint:
        again = list(ask_all(endpoint, questions, journal=tmp_path / "journal"))
    assert [outcome.value for outcome in again] == [outcome.value for outcome in first]
    assert all(outcome.from_journal for outcome in again)
