"""Both roles by a server of one's own, a real llama.cpp, which each job starts and ends."""

import os
import re
import sys
import time

import psutil
import pytest
from workspace import Workspace, jobs
from xuxie.files.rows import read_rows

PAIRS = "results/novels/small/pairs.jsonl"
SHARD = "results/novels/small/shards/1-of-1"


@pytest.fixture
def served(tmp_path, small_config, novel_text, tiny_gguf) -> Workspace:
    """A workspace in which a model of no sense answers, in the form that it is held to."""
    model = tmp_path / "model.gguf"
    os.link(tiny_gguf, model)
    options = {"--model": "{model}", "--name": "{name}", "--context": "{context}"}
    command = [sys.executable, "-m", "xuxie.runtime.llama_server", "--port", "{port}"]
    own = {
        "serve": {
            "command": command + [word for option in options.items() for word in option],
            "model": str(model),
            "gpus": 0,
            "key_variable": "XUXIE_SERVER_KEY",
        },
        "model": "tiny",
        "context": 2048,
        "max_tokens": 200,
        "concurrency": 1,
        "structured": "schema",
    }
    config = {
        **small_config,
        "pairs": {
            **small_config["pairs"],
            "generator": "own",
            "mode": "cut",
            "shard_bytes": 1000,
        },
        "scorers": {"judge": {"method": "judge", "endpoint": "own"}},
        "endpoints": {"own": own},
        "llm": {"max_failed": 1},
    }
    return Workspace.make(tmp_path / "work", config, novel_text)


def test_a_job_starts_the_server_once_if_it_has_to_ask_and_leaves_nothing_of_it(served):
    served.snakemake(PAIRS)
    said = (served / "logs/generate_pairs/small.1-of-1.log").read_text(encoding="utf-8")
    assert len(re.findall("the server is ready", said)) == 1
    assert "the server: serving at http://127.0.0.1:" in said
    rows = list(read_rows(served / SHARD / "candidates.jsonl"))
    assert len({row["chunk"] for row in rows}) == 16  # two of each chapter
    if all("failed" in row for row in rows):  # there is nothing to be judged
        said = (served / "logs/score_by_judge/small.1-of-1.judge.log").read_text(encoding="utf-8")
        assert "server" not in said
    left = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if str(served.folder.parent / "model.gguf") in (process.info["cmdline"] or [])
    ]
    assert left == []


def test_the_model_is_an_input_of_the_jobs_that_serve_it(served):
    model = served.folder.parent / "model.gguf"
    served.snakemake(f"{SHARD}/candidates.jsonl")
    later = time.time() + 10
    os.utime(model, (later, later))
    planned = served.plan(f"{SHARD}/candidates.jsonl")
    assert jobs(planned.stdout) == {"generate_pairs": 1, "total": 1}
    model.rename(model.with_suffix(".away"))
    done = served.plan(f"{SHARD}/candidates.jsonl", check=False)
    assert done.returncode != 0 and str(model) in done.stdout
