"""The embedded server: how many threads it takes, and weights that are missing or none."""

import psutil
import pytest
from xuxie.errors import UserError
from xuxie.llm import open_endpoint
from xuxie.llm.embedded import threads_that_run


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
