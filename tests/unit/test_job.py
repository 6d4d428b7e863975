"""How a script's function is called: with what it names of the job, and with all params."""

import logging
from types import SimpleNamespace

import pytest
from xuxie.errors import UserError
from xuxie.runtime.job import run_job


def job(**params) -> SimpleNamespace:
    """A job as Snakemake hands it to a script."""
    return SimpleNamespace(
        input={"text": "text.txt", "only_waited_for": "other.txt"},
        output={"chunks": "chunks.jsonl"},
        params=params,
        log=[],
        threads=3,
        resources={},
        wildcards={},
        config={"endpoints": {"far": {"rpm": 60}}, "llm": {"offline": True}, "pairs": {}},
    )


@pytest.fixture(autouse=True)
def same_log():
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers


def test_a_function_gets_the_files_that_it_names_and_every_param():
    taken = {}

    def cut(text, chunks, *, size):
        taken.update(text=text, chunks=chunks, size=size)

    run_job(cut, job(size=800))
    assert taken == {"text": "text.txt", "chunks": "chunks.jsonl", "size": 800}


def test_settings_that_must_rerun_nothing_come_without_a_param():
    taken = {}

    def ask(*, endpoints, llm, threads):
        taken.update(endpoints=endpoints, llm=llm, threads=threads)

    run_job(ask, job())
    assert taken == {"endpoints": {"far": {"rpm": 60}}, "llm": {"offline": True}, "threads": 3}


def test_a_param_that_a_function_does_not_take_is_a_fault():
    with pytest.raises(TypeError, match="forgotten"):
        run_job(lambda text: None, job(forgotten=1))


def test_a_users_mistake_ends_the_job_with_one_message(capsys):
    def refuse():
        raise UserError("no such chapter", where="text.txt", remedy="look again")

    with pytest.raises(SystemExit) as ended:
        run_job(refuse, job())
    said = capsys.readouterr().err
    assert ended.value.code == 1 and "no such chapter" in said and "Traceback" not in said
