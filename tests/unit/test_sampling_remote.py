"""Samples of an endpoint: what is sent, what is kept, what is said when it fails. A real HTTP server on loopback answers."""

import json
import socket
import threading

import pytest
import uvicorn
from batch_server import BatchServer
from fault_server import FaultServer
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from xuxie.errors import UserError
from xuxie.llm import open_endpoint
from xuxie.llm.journal import Journal
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.remote import sample_remote

ROWS = [
    {
        "id": f"r{i}",
        "instruction": "续写：",
        "input": f"第{i}段。",
        "output": "",
        "system": "你是作者",
        "history": [],
    }
    for i in range(3)
]


@pytest.fixture
def server():
    seen, refuse = [], []

    async def complete(request):
        body = json.loads(await request.body())
        seen.append(body)
        if refuse:
            return JSONResponse(
                {"error": {"message": f"key {request.headers['authorization']} is not valid"}}, 401
            )
        text = f"答{len(body['messages'])}。"
        choice = {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": text},
        }
        usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
        return JSONResponse(
            {
                "id": "x",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [choice],
                "usage": usage,
            }
        )

    listening = socket.create_server(("127.0.0.1", 0))
    app = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])]),
            log_level="error",
        )
    )
    thread = threading.Thread(target=app.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", seen, refuse
    app.should_exit = True
    thread.join()


def sample(server, folder, offline=False, **settings):
    price = {"input": 1e6, "output": 2e6}
    with (
        open_endpoint(
            {
                "base_url": server[0],
                "model": "m",
                "tries": 1,
                "extra_body": {"top_k": 50},
                "price": price,
            },
            offline=offline,
        ) as endpoint,
    ):
        return sample_remote(
            endpoint,
            ROWS,
            name="rival",
            journal=folder,
            parameters=SamplingParameters(),
            **{"seed": 1, "system": None, "max_new_tokens": 20, **settings},
        )


def test_every_row_is_asked_once_and_kept(server, tmp_path):
    outputs = sample(server, tmp_path)
    assert list(outputs) == ["r0", "r1", "r2"]
    assert {key: outputs["r0"][key] for key in ("text", "stop", "tokens", "prompt_tokens")} == {
        "text": "答2。", "stop": "natural", "tokens": 3, "prompt_tokens": 5,
    }  # fmt: skip
    body = next(body for body in server[1] if body["messages"][1]["content"] == "续写：\n第0段。")
    assert body["messages"][0] == {"role": "system", "content": "你是作者"}
    assert {key: body[key] for key in ("temperature", "top_p", "max_tokens", "top_k")} == {
        "temperature": 1.0, "top_p": 0.95, "max_tokens": 20, "top_k": 50,
    }  # fmt: skip
    assert len({body["seed"] for body in server[1]}) == 3
    assert sample(server, tmp_path) == outputs
    assert len(server[1]) == 3
    sample(server, tmp_path, seed=2)
    assert len(server[1]) == 6


def test_what_samples_take_counts_in_the_budget(server, tmp_path):
    sample(server, tmp_path)
    with Journal(tmp_path) as journal:
        assert (journal.spent.tokens, journal.spent.cost) == (3 * (5 + 3), 3 * (5 + 2 * 3))
    with pytest.raises(UserError, match="budget of 30 tokens would be crossed: 24 are spent"):
        sample(server, tmp_path, seed=2, budget={"tokens": 30})
    assert len(server[1]) == 3, "nothing was asked beyond the budget"
    assert len(sample(server, tmp_path, budget={"tokens": 30})) == 3, "what is there needs none"


def test_offline_asks_nothing(server, tmp_path):
    outputs = sample(server, tmp_path)
    assert sample(server, tmp_path, offline=True) == outputs
    with pytest.raises(UserError, match="may not be asked"):
        sample(server, tmp_path, offline=True, seed=2)
    assert len(server[1]) == 3


def test_turns_go_into_the_conversation(server, tmp_path):
    output = sample(server, tmp_path, target_chars=6, system="别的")["r0"]
    assert output["text"] == "答2。答2。" and output["turns"] == [3, 6]
    assert (
        sample(server, tmp_path, target_chars=7, system="别的")["r0"]["text"] == "答2。答2。答4。"
    )
    longest = max((body["messages"] for body in server[1]), key=len)
    assert [message["role"] for message in longest] == ["system", "user", "assistant", "user"]
    assert longest[0]["content"] == "别的" and longest[3]["content"] == "续写：\n答2。"


def test_a_refusal_ends_the_job_without_the_key(server, tmp_path, monkeypatch):
    server[2].append(True)
    monkeypatch.setenv("RIVAL_KEY", "secret-123456")
    settings = {"base_url": server[0], "model": "m", "tries": 1, "api_key_env": "RIVAL_KEY"}
    with (
        open_endpoint(settings) as endpoint,
        pytest.raises(UserError, match="refused the key") as caught,
    ):
        sample_remote(
            endpoint,
            ROWS,
            name="rival",
            journal=tmp_path,
            parameters=SamplingParameters(),
            seed=0,
            system=None,
            max_new_tokens=5,
        )
    assert "RIVAL_KEY" in str(caught.value) and "secret-123456" not in str(caught.value)


def test_by_batch_each_turn_of_all_stories_is_one_and_the_samples_are_the_same(tmp_path):
    def answer(body):
        return f"答{len(body['messages'])}。" * 5

    with BatchServer(answer=answer) as batches, FaultServer(answer=answer) as direct:
        by_batch = _two_turns(batches.base_url, tmp_path / "batches", batch={"poll": 0.05})
        directly = _two_turns(direct.base_url, tmp_path / "direct")
        assert by_batch == directly and len(directly) == len(ROWS)
        assert len(batches.batches) == 2
        assert batches.answers.total() + batches.billed.total() == direct.answers.total()


def _two_turns(base_url, journal, **more) -> dict[str, str]:
    with open_endpoint({"base_url": base_url, "model": "m", **more}) as endpoint:
        outputs = sample_remote(
            endpoint,
            ROWS,
            name="rival",
            journal=journal,
            parameters=SamplingParameters(),
            seed=1,
            system=None,
            max_new_tokens=20,
            target_chars=25,
        )
    return {id: output["text"] for id, output in outputs.items()}
