"""A question to the embedded model's own server: answered on its schema, and never twice; on a machine that has other work, too."""

import pydantic
import pytest
import torch
from xuxie.llm import Answered, Question, ask_all, open_endpoint

pytestmark = pytest.mark.embedded

MODEL = "qwen2.5-coder-0.5b"


class Person(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=10)
    age: int = pydantic.Field(ge=20, le=30)


def test_the_embedded_model_answers_on_its_schema_and_from_the_journal(embedded_folder, tmp_path):
    weights = embedded_folder(MODEL) / "model.gguf"
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
    with open_endpoint(settings, weights, threads=2) as endpoint:
        first = list(ask_all(endpoint, questions, journal=tmp_path / "journal"))
    assert len(first) == len(questions)
    assert all(isinstance(outcome, Answered) and 20 <= outcome.value.age <= 30 for outcome in first)
    # another run has another port, and needs no server for what is known
    with open_endpoint(settings, weights, offline=True) as endpoint:
        again = list(ask_all(endpoint, questions, journal=tmp_path / "journal"))
    assert [outcome.value for outcome in again] == [outcome.value for outcome in first]
    assert all(outcome.from_journal for outcome in again)


def test_its_threads_sleep_while_they_wait_though_another_openmp_is_loaded_here(
    embedded_folder, tmp_path, monkeypatch, caplog
):
    torch.ones(1)
    monkeypatch.setenv("OMP_DISPLAY_ENV", "true")  # the library says how it is set as it is loaded
    question = Question("q", [{"role": "user", "content": "你好"}], sampling={"max_tokens": 8})
    weights = embedded_folder(MODEL) / "model.gguf"
    with (
        caplog.at_level("INFO"),
        open_endpoint({"embedded": MODEL, "context": 512}, weights, threads=2) as endpoint,
    ):
        [outcome] = ask_all(endpoint, [question], journal=tmp_path)
    assert isinstance(outcome, Answered) and outcome.value.text
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in caplog.text
