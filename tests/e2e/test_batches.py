"""Both roles by batch, through the workflow: the same pairs as by direct calls, at half the price, also over a kill."""

import os
import re
import signal

import pytest
from batch_server import BatchServer
from patience import wait_for_exit, wait_until, written_in
from roles import KEY, answer
from workspace import Workspace
from xuxie.files.rows import read_json

PAIRS = "results/novels/small/pairs.jsonl"
SUMMARY = "results/novels/small/pairs.json"
PRICE = {"input": 1, "output": 1}


@pytest.fixture
def batch_server():
    with BatchServer(answer=answer, key=KEY, model="reader") as server:
        yield server


@pytest.fixture
def batched(batch_server, small_config, tmp_path, novel_text) -> Workspace:
    """A fresh folder whose endpoint is asked by batch."""
    endpoint = {
        **small_config["endpoints"]["loopback"],
        "base_url": batch_server.base_url,
        "price": PRICE,
        "batch": {"poll": 0.2},
    }
    config = {**small_config, "endpoints": {"loopback": endpoint}}
    return Workspace.make(tmp_path / "batched", config, novel_text)


def test_a_killed_run_by_batch_goes_on_and_makes_the_pairs_of_direct_calls(
    batched, batch_server, new_workspace
):
    batch_server.looks = 10**9
    run = batched.begin(PAIRS, start_new_session=True)
    wait_until(lambda: batch_server._at["look"], "a batch", written_in(batched.folder))
    os.killpg(run.pid, signal.SIGKILL)
    wait_for_exit(run, written_in(batched.folder))
    [first] = batch_server.batches
    batch_server.looks = 1
    batched.snakemake("--unlock")
    batched.snakemake(PAIRS)
    assert batch_server.batches[first]["status"] == "completed"
    new_workspace.snakemake(PAIRS)
    assert (batched / PAIRS).read_bytes() == (new_workspace / PAIRS).read_bytes()
    paid = batch_server.answers + batch_server.billed
    assert max(paid.values()) == 1 and batch_server.billed.total() > batch_server.answers.total()
    assert not list((batched / "journal/.batches").glob("*.batch"))
    usage = read_json(batched / SUMMARY)["usage"]
    tokens = sum(role["input"] + role["output"] for role in usage.values())
    assert tokens / 2 < 1e6 * sum(role["cost"] for role in usage.values()) < tokens


def test_the_estimate_says_what_both_ways_cost(batched, batch_server):
    done = batched.snakemake("estimate")
    [(directly, by_batch)] = re.findall(
        r"loopback: (\S+) if asked directly, (\S+) if by batch; endpoints.loopback.batch says the latter",
        done.stdout,
    )
    assert float(by_batch) == pytest.approx(float(directly) / 2, rel=0.01)
    assert batch_server.requests.total() == 0
