"""`kill -9` at seeded moments of a run, each then resumed."""

import json
import os
import random
import tempfile
import time

import pytest
from fault_server import FaultServer, asked, echo
from xuxie.llm.request import address, canonical
from xuxie.llm.segments import decode, head, lines, segments

QUESTIONS = 300
KILLS = 20


def _job(base_url, folder, temporary):
    """What a job does: asks, notes each outcome that it has got, and at last writes its output."""
    tempfile.tempdir = str(temporary)
    from llm_case import questions
    from xuxie.files.rows import write_rows
    from xuxie.llm import ask_all, open_endpoint

    settings = {"base_url": base_url, "model": "echo", "structured": "schema"}
    with open_endpoint({**settings, "concurrency": 8, "backoff": 0.02}) as endpoint:
        rows = []
        notes = os.open(folder / "got", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for outcome in ask_all(endpoint, questions(QUESTIONS), journal=folder / "journal"):
            os.write(notes, f"{outcome.id}\n".encode())
            rows.append({"id": outcome.id, "text": outcome.value.text})
        write_rows(folder / "out.jsonl", rows)


def _start(forked, server, folder, temporary):
    folder.mkdir(exist_ok=True)
    job = forked.Process(target=_job, args=(server.base_url, folder, temporary))
    job.start()
    return job


def _answer(body):
    """Every tenth question is answered usably only at the second attempt."""
    told = "Answer again" in json.dumps(body["messages"])
    return echo(body) if told or not asked(body).endswith("0") else "好的。"


def _journaled(folder) -> dict[str, str]:
    """The answers that the journal holds on disk: their questions, by key."""
    found = {}
    for path in segments(folder / "journal"):
        for _, line in lines(path):
            assert head(line) is not None, "a finished line is damaged"
            entry = decode(line)
            found[entry["key"]] = entry["question"]
    return found


@pytest.mark.timeout(300)
def test_killed_at_any_moment_it_loses_nothing_and_repeats_nothing(tmp_path, forked):
    with FaultServer(faults={"500": 0.02}, latency=0.005, seed=5, answer=_answer) as server:
        undisturbed = _start(forked, server, tmp_path / "undisturbed", tmp_path)
        undisturbed.join()
        assert undisturbed.exitcode == 0
        assert server.answers.total() == QUESTIONS + QUESTIONS // 10

        moments = random.Random(4711)
        folder, held, killed = tmp_path / "killed", {}, 0
        while killed < KILLS:
            server.answers.clear()
            before = len(server.bodies)
            job = _start(forked, server, folder, tmp_path)
            answers, later = moments.randrange(QUESTIONS // KILLS), moments.uniform(0, 0.02)
            while server.answers.total() < answers and job.is_alive():
                time.sleep(0.0005)
            time.sleep(later)
            assert job.is_alive(), "the run was over before the last kill"
            job.kill()
            job.join()
            killed += 1
            while server.now:  # what the killed job had asked is answered to nobody
                time.sleep(0.0005)
            _nothing_repeated(server.bodies[before:], held)
            now_held = _journaled(folder)
            got = (folder / "got").read_text().split() if (folder / "got").exists() else []
            assert held.items() <= now_held.items(), "an answer was lost"
            assert set(got) <= set(now_held.values()), (
                "an answer was used before it was on the disk"
            )
            held = now_held
        assert 0 < len(held) < QUESTIONS

        before = len(server.bodies)
        job = _start(forked, server, folder, tmp_path)
        job.join()
        assert job.exitcode == 0
        _nothing_repeated(server.bodies[before:], held)
        assert (folder / "out.jsonl").read_bytes() == (
            tmp_path / "undisturbed" / "out.jsonl"
        ).read_bytes()


def _nothing_repeated(bodies, held):
    assert not {address(canonical(body)) for body in bodies} & held.keys(), (
        "a call was paid for twice"
    )
